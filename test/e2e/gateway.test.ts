// The story of the gate, with the built CLI and the machine's own npm: refused, corrected, asked, approved, forbidden after all.
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { execa } from "execa"
import { expect, test } from "vitest"
import { emptyHome, temporaryDirectory, writeFiles } from "../context.ts"
import { startNpmUpstream } from "../gateway/gate.ts"
import { npmTarball } from "../long/clients/packages.ts"
import { BIN } from "./nanoguard.ts"
import { hasTmux, openTerminal } from "./terminal.ts"

const PASS = "correct horse battery"
const POLICY = `version: 1
packages:
  deny: { severity: high }
  ask: { install-scripts: true }
approvers: { default: { people: [ana] } }
`
const ADVISORY = {
  ...{ id: "GHSA-2222-3333-4444", modified: "2026-01-01T00:00:00Z", database_specific: { severity: "HIGH" } },
  affected: [
    {
      package: { ecosystem: "npm", name: "leftish" },
      ranges: [{ type: "SEMVER", events: [{ introduced: "0" }, { fixed: "1.0.1" }] }],
    },
  ],
}

test("an agent is refused, does what the terminal says, and is done; where a person is asked, one answers", async (t) => {
  if (!hasTmux()) t.skip("tmux is missing: install it")
  const upstream = await startNpmUpstream()
  const release = (name: string, version: string) => ({ bytes: npmTarball(name, { version }) })
  upstream.publish("leftish", { "1.0.0": release("leftish", "1.0.0"), "1.0.1": release("leftish", "1.0.1") })
  upstream.publish("native", { "1.0.0": { ...release("native", "1.0.0"), scripts: { install: "node -e 0" } } })

  const cwd = temporaryDirectory({
    "nanoguard.yaml": POLICY,
    "package.json": '{"name":"shop","version":"1.0.0"}\n',
    "osv.ndjson": JSON.stringify(ADVISORY),
    pass: PASS,
  })
  const env = emptyHome()
  writeFiles(env["HOME"]!, { ".npmrc": `registry=${upstream.base}/\nupdate-notifier=false\n` })
  // As a person types it, in the shell of an agent: with `nanoguard` on the PATH.
  const bin = join(env["HOME"]!, "bin")
  mkdirSync(bin)
  writeFileSync(join(bin, "nanoguard"), `#!/bin/sh\nexec '${process.execPath}' '${BIN}' "$@"\n`, { mode: 0o755 })
  env["PATH"] = `${bin}:${env["PATH"]}`
  const shell = async (command: string) => {
    const options = { cwd, env, extendEnv: false, stdin: "ignore", reject: false, timeout: 30_000 } as const
    const { exitCode, all } = await execa("sh", ["-c", command], { ...options, all: true })
    return { exit: exitCode, shown: all }
  }
  const must = async (command: string) => {
    const { exit, shown } = await shell(command)
    expect(exit, `${command}\n${shown}`).toBe(0)
    return shown
  }

  // A person sets it up.
  await must("nanoguard advisories update --from osv.ndjson --complete")
  expect(await shell("nanoguard gateway exec -- npm ci")).toMatchObject({ exit: 125 })
  await must("nanoguard approver add ana --passphrase-file pass")
  await must("nanoguard policy adopt --yes --passphrase-file pass")
  const gate = execa("nanoguard", ["gateway", "start", "--port", "0"], { cwd, env, extendEnv: false, reject: false })
  t.onTestFinished(() => void gate.kill("SIGKILL"))
  await new Promise<void>((resolve) => gate.stdout.once("data", () => resolve()))
  const status = JSON.parse(await must("nanoguard gateway status --format json"))
  expect(status).toMatchObject({ schema: "nanoguard.gateway-status/1", policy: { adopted: { by: "ana" } }, runs: 0 })

  // A pin that policy refuses: npm's own exit code, and the closing lines.
  const refused = await shell("nanoguard gateway exec --agent claude-1 -- npm install leftish@1.0.0")
  expect(refused.exit).toBe(1)
  expect(refused.shown).toContain("npm error code E403")
  const lines = refused.shown.slice(refused.shown.lastIndexOf("\nnanoguard: refused")).trim().split("\n")
  expect(lines[0]).toBe("nanoguard: refused leftish@1.0.0: vulnerability.severity")
  expect(lines.join("\n")).toContain("GHSA-2222-3333-4444")
  const shown = (word: string, text: string) => new RegExp(`^ {2}${word}: (.+)$`, "m").exec(text)![1]!
  expect(await shell(shown("why", refused.shown))).toMatchObject({
    ...{ exit: 1, shown: expect.stringContaining("do        npm install leftish@1.0.1") },
  })

  // The command that was shown, as it is, in a shell behind the gate.
  const behind = (command: string) =>
    `eval "$(nanoguard gateway env --agent claude-1 --run exec-claude-1)" && ${command}`
  await must(behind(shown("run", refused.shown)))
  expect(await must("cat node_modules/leftish/package.json")).toContain('"version": "1.0.1"')

  // A person is asked, answers at a terminal, and the same command works.
  const native = "nanoguard gateway exec --agent claude-1 -- npm install native@1.0.0"
  const asked = await shell(native)
  expect(asked.exit).toBe(1)
  expect(asked.shown).toContain("nanoguard: approval needed for native@1.0.0: script.unapproved\n")
  // tmux takes its client's PATH, whatever it is told.
  const terminal = openTerminal(cwd, `PATH='${env["PATH"]}' ${shown("a person runs", asked.shown)}`, env)
  t.onTestFinished(() => terminal.close())
  const card = await terminal.waitFor("type the first 8 digits of its digest")
  expect(card).toMatch(/subject +pkg:npm\/native@1\.0\.0\n/)
  terminal.press("-l", /digest +([0-9a-f]{4}-[0-9a-f]{4})/.exec(card)![1]!)
  terminal.press("Enter")
  await terminal.waitFor("Passphrase of ana's key")
  terminal.press("-l", PASS)
  terminal.press("Enter")
  expect(await terminal.waitFor("[exit 0]")).toContain("granted for the run")
  await must(native)

  // A change in the file is none; adopted and taken up, it holds at once.
  writeFiles(cwd, { "nanoguard.yaml": POLICY.replace("deny: {", "deny: { install-scripts: true,") })
  expect(await must("nanoguard gateway reload")).toContain("Nothing changed")
  await must("nanoguard policy adopt --yes --passphrase-file pass")
  expect(await must("nanoguard gateway reload")).toContain("In force now")
  await must("rm -r node_modules package-lock.json && npm cache clean --force")
  const denied = await shell(native)
  expect(denied).toMatchObject({ exit: 1, shown: expect.stringContaining("nanoguard: refused native@1.0.0") })

  // An exception, asked for with a reason and agreed to, lifts the one code.
  const exception = await shell('nanoguard why last --request-exception "nothing else builds here" --format json')
  const { requested } = JSON.parse(exception.shown)
  const { approvals } = JSON.parse(await must("nanoguard approve --list --format json"))
  const { digest } = approvals.find(({ id }: { id: string }) => id === requested.id)
  expect(
    await must(`nanoguard approve ${requested.id} --digest ${digest} --passphrase-file pass --expires 1h`),
  ).toContain('agent says    "nothing else builds here"')
  await must(native)

  expect(await shell("nanoguard gateway start")).toMatchObject({ exit: 5 })
  await must("nanoguard gateway stop")
  expect(await gate).toMatchObject({ exitCode: 0, stderr: "" })
  expect(await shell("nanoguard gateway status")).toMatchObject({ exit: 5 })
  await must("nanoguard audit verify")
})
