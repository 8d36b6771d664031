// The way out of a real box: namespaces of its own by bubblewrap, the relay, the gate, and real clients.
import { execFile } from "node:child_process"
import { dirname } from "node:path"
import { promisify } from "node:util"
import { expect, test } from "vitest"
import { openTestBox } from "../../gateway/boxes/box.ts"
import { startNpmUpstream } from "../../gateway/gate.ts"
import { useEngine } from "../../sandbox/engines.ts"

const run = promisify(execFile)

test("npm installs what policy allows and reads why not, and curl asks the gate about it", {
  timeout: 120_000,
}, async (t) => {
  await useEngine(t, "bubblewrap")
  const upstream = await startNpmUpstream()
  upstream.publish("evil", { "1.0.0": {} })
  const { gate, box } = await openTestBox({
    policy: "version: 1\npackages: { rules: [{ id: no-evil, deny: 'pkg:npm/evil' }], unknown: allow }\n",
    env: { NPM_CONFIG_REGISTRY: upstream.base },
  })
  const inBox = async (script: string) => {
    const words = [
      ...[
        "--unshare-all",
        "--die-with-parent",
        "--clearenv",
        "--ro-bind",
        "/",
        "/",
        "--dev",
        "/dev",
        "--proc",
        "/proc",
      ],
      ...["--tmpfs", "/tmp", "--tmpfs", "/home", "--dir", "/home/agent", "--tmpfs", "/run"],
      ...["--ro-bind", box.directory, "/run/nanoguard", "--chdir", "/home/agent"],
      ...Object.entries(box.env).flatMap(([name, value]) => ["--setenv", name, value]),
      ...["--setenv", "PATH", `${dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin`],
      ...["node", "/run/nanoguard/relay.mjs", "--", "sh", "-c", script],
    ]
    return run("bwrap", words).then(
      ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
      (error: { code: number; stdout: string; stderr: string }) => error,
    )
  }
  const own = "http://127.0.0.1:8471/-/nanoguard/v1"
  const refused = await inBox(
    `npm pack evil@1.0.0; echo "npm: $?"; curl -sS http://nanoguard.internal/v1/why/last; echo; curl -sS '${own}/refusals?since=0'`,
  )
  expect(refused.stderr).toContain("evil@1.0.0 refused by policy: package.denied")
  expect(refused.stdout).toMatch(/npm: [1-9]/)
  expect(refused.stdout).toContain('"code":"package.denied"')
  expect(refused.stdout).toMatch(/\nnanoguard: evil@1\.0\.0 refused by policy: package\.denied/)
  const around = await inBox(
    "unset http_proxy HTTP_PROXY; curl -sS -m 5 http://192.0.2.1/; echo $?; ls /run/nanoguard/gate",
  )
  expect(around.stdout).toMatch(/^7\ngate\.sock\n$/)
  expect((await gate.records()).filter(({ run }) => run === box.run).length).toBeGreaterThan(1)
})
