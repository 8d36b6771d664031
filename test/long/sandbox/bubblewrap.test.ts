// Boxes of bubblewrap's as they really are: for root's own workspaces, for those of another user's, and started by that user.
import { spawnSync } from "node:child_process"
import { randomBytes } from "node:crypto"
import { readdirSync, readFileSync, writeFileSync } from "node:fs"
import { createServer } from "node:net"
import { join } from "node:path"
import { beforeEach, describe, expect, onTestFinished, test } from "vitest"
import { temporaryDirectory } from "../../context.ts"
import { needs, needsRoot, openBoxes, until } from "../../sandbox/engines/bubblewrapped.ts"

const OTHER = 54_321

beforeEach((ctx) => needs(ctx, "bwrap", "apt-get install bubblewrap"))

const own = process.getuid?.() ?? 0
const users = own === 0 ? [0, OTHER] : [own]

describe.each(users)("a box for user %i", (uid) => {
  test("sees the host's programs and nothing else of it, and cannot change what it sees", async () => {
    const { sh } = openBoxes(uid)
    const { output, code } = await sh(
      [
        "echo root: $(ls /)",
        "echo etc: $(ls /etc)",
        "echo passwd: $(cat /etc/passwd)",
        "echo ssl: $(ls /etc/ssl)",
        "echo hosts: $(cat /etc/hosts)",
        "echo resolver: $(cat /etc/resolv.conf)",
        "for path in / /etc /usr /usr/bin /run /dev /var /proc/sys/kernel /home; do touch $path/new 2>/dev/null && echo wrote $path; done",
        "for path in /root /home/* /var/* /run/* /sys /srv /mnt /opt /boot /media; do [ -e $path ] && echo there: $path; done",
        "cat /proc/keys /proc/timer_list /proc/kallsyms /proc/interrupts /proc/vmallocinfo 2>/dev/null | wc -c",
        "echo capabilities: $(grep -h ^Cap /proc/self/status /proc/1/status | grep -vc 0000000000000000)",
        "grep -E '^(NoNewPrivs|Seccomp):' /proc/self/status",
        "echo mine >/workspace/file && echo mine >/tmp/file && echo mine >/home/agent/file && echo wrote mine",
        "echo id: $(id -u) $(id -g) $(id -G)",
      ].join("\n"),
    )
    const line = (name: string) => new RegExp(`^${name}: ?(.*)$`, "m").exec(output)?.[1]
    expect(code, output).toBe(0)
    const allowed = "bin dev etc home lib lib32 lib64 libx32 proc run sbin tmp usr var workspace"
    // The program that runs this test is there, too, below directories with nothing else in them.
    const [node = ""] = process.execPath.split("/").slice(1)
    for (const name of line("root")?.split(" ") ?? [""]) expect(`${allowed} ${node}`.split(" ")).toContain(name)
    for (const name of ["shadow", "gshadow", "ssh", "sudoers", "machine-id", "hostname", "fstab"]) {
      expect(line("etc")?.split(" ")).not.toContain(name)
    }
    expect(line("ssl")).not.toContain("private")
    expect(line("passwd")).toBe(`agent:x:${uid}:${uid}:agent:/home/agent:/bin/sh`)
    expect(line("hosts")).toContain("127.0.0.1 localhost nanoguard.internal")
    expect(line("resolver")).toBe("")
    expect(output).not.toMatch(/^wrote \//m)
    expect(output.match(/^there: .*$/gm) ?? []).toEqual(["there: /home/agent"])
    expect(output).toMatch(/^0$/m)
    expect(output).toMatch(/^NoNewPrivs:\s1$/m)
    expect(output).toMatch(/^Seccomp:\s2$/m)
    expect(output).toContain("wrote mine")
    expect(line("id")).toBe(`${uid} ${uid} ${uid}`)
    // What starts a box for another user may become that user, by its bounding set; nothing else has any right at all.
    expect(Number(line("capabilities"))).toBe(uid === own ? 0 : 1)
  })

  test("K1: /proc/sys cannot be written", async () => {
    const { sh } = openBoxes(uid)
    const before = readFileSync("/proc/sys/kernel/core_pattern", "utf8").trim()
    const { output } = await sh(
      `cat /proc/sys/kernel/core_pattern; printf '%s\\n' '${before}' >/proc/sys/kernel/core_pattern && echo written; ls -d /proc/sysrq-trigger && echo b >/proc/sysrq-trigger && echo written`,
    )
    expect(output).toContain(before)
    expect(output).toMatch(/Read-only file system|Permission denied/)
    expect(output).not.toContain("written")
  })

  test("K2: no namespaces within the box's own", async () => {
    const { sh } = openBoxes(uid)
    const { output } = await sh(
      "for kind in U n m p i u C; do unshare -$kind true && echo made $kind; done; bwrap --ro-bind / / true && echo made; cat /proc/sys/user/max_user_namespaces",
    )
    expect(output).not.toContain("made")
    expect(output).toContain("Operation not permitted")
  })

  test("no network: neither addresses nor the host's abstract sockets", async () => {
    const name = `nanoguard-test-${randomBytes(4).toString("hex")}`
    const server = createServer((socket) => socket.end("reached")).listen(`\0${name}`)
    onTestFinished(() => void server.close())
    const { sh } = openBoxes(uid)
    const reach = `const s = require("net").connect("\\0${name}"); s.on("error", (e) => console.log("abstract", e.code)).on("data", (d) => console.log(String(d)))`
    const { output } = await sh(
      `node -e '${reach}'; cat /proc/net/dev | tail -n +3; cat /proc/net/route | tail -n +2; curl -sS --max-time 5 http://192.0.2.1/; curl -sS --max-time 5 'http://[2001:db8::1]/'`,
    )
    expect(output).toContain("abstract ECONNREFUSED")
    expect(output.match(/^ *\w+:(?= +\d)/gm)?.map((line) => line.trim())).toEqual(["lo:"])
    expect(output).toMatch(/192\.0\.2\.1|Network is unreachable|Couldn't connect/)
    expect(output).not.toContain("reached")
  })

  test("its environment is what it was given, and no command line shows it", async () => {
    process.env["NANOGUARD_TEST_LEAK"] = "leak"
    onTestFinished(() => void delete process.env["NANOGUARD_TEST_LEAK"])
    const { start, spec } = openBoxes(uid)
    const box = await start(
      spec(["sh", "-c", "env; cat /proc/1/environ; echo; sleep 60"], {
        env: { HOME: "/home/agent", PATH: "/usr/bin:/bin", WORD: "two words=and\nlines" },
      }),
    )
    await until(() => box.output().includes("lines"), "the environment")
    const shown = spawnSync("ps", ["-eo", "args"], { encoding: "utf8" }).stdout
    expect(shown).not.toContain("two words")
    const names = box.output().match(/^[A-Z_]+(?==)/gm)
    expect(new Set(names)).toEqual(new Set(["HOME", "PATH", "PWD", "WORD"]))
    expect(box.output()).not.toContain("leak")
    expect(box.output()).not.toContain("NANOGUARD")
  })

  test("descriptors that nanoguard inherited do not enter it", async () => {
    const secret = join(temporaryDirectory({ secret: "a secret" }), "secret")
    const { state, workspace } = openBoxes(uid)
    // A program like nanoguard, started by something that leaves a file open as descriptor 40.
    const script = join(import.meta.dirname, "../../sandbox/engines/launch-once.ts")
    const started = spawnSync(
      "bash",
      [
        "--norc",
        "-c",
        'exec 40<"$1"; shift; exec "$@"',
        "bash",
        secret,
        process.execPath,
        script,
        state,
        workspace,
        String(uid),
        "sh",
        "-c",
        "ls -l /proc/self/fd /proc/[0-9]*/fd; true",
      ],
      { encoding: "utf8", env: { PATH: process.env["PATH"] } },
    )
    expect(started.status, started.stderr).toBe(0)
    expect(started.stdout).toMatch(/ 0 -> /)
    expect(started.stdout).not.toContain("secret")
    expect(started.stdout).not.toMatch(/ 40 -> /)
  })

  test("what is masked is empty and stays so; what is read-only stays as it is", async () => {
    const boxes = openBoxes(uid)
    writeFileSync(join(boxes.workspace, ".env"), "KEY=secret")
    const spec = boxes.spec([])
    const mounts = [
      ...spec.mounts,
      { kind: "mask" as const, target: "/workspace/.env", directory: false },
      { kind: "mask" as const, target: "/usr/share/doc", directory: true },
      { kind: "bind" as const, source: boxes.workspace, target: "/also", write: false },
    ]
    const { output } = await boxes.sh(
      "cat .env && wc -c <.env; echo a >.env; rm .env; mv .env x; ls /usr/share/doc | wc -l; touch /usr/share/doc/a /also/a; ls /also",
      { mounts },
    )
    expect(output).not.toContain("secret")
    expect(output.match(/^0$/gm)?.length).toBe(2)
    expect(readFileSync(join(boxes.workspace, ".env"), "utf8")).toBe("KEY=secret")
    expect(readdirSync(boxes.workspace)).toEqual([".env"])
  })
})

test("an ordinary user needs no rights of root's", (ctx) => {
  needsRoot(ctx)
  const script = join(import.meta.dirname, "../../sandbox/engines/launch-once.ts")
  // Readable for everybody: a home of the other user's would be where its nanoguard is.
  const { stdout, status } = spawnSync(
    "setpriv",
    [`--reuid=${OTHER}`, `--regid=${OTHER}`, "--clear-groups", process.execPath, "-e", "0"],
    { encoding: "utf8" },
  )
  if (status !== 0) ctx.skip(`Node is not for everybody here: ${stdout}`)
  const directory = temporaryDirectory()
  spawnSync("chown", [`${OTHER}:${OTHER}`, directory])
  const inside =
    "id -u; prlimit --nproc --output SOFT --noheadings; cat /proc/self/status | grep CapEff; unshare -U true || echo refused; touch /workspace/mine && echo wrote; echo x >/proc/sys/kernel/core_pattern || echo covered"
  const started = spawnSync(
    "setpriv",
    [
      `--reuid=${OTHER}`,
      `--regid=${OTHER}`,
      "--clear-groups",
      process.execPath,
      script,
      directory,
      directory,
      String(OTHER),
      "sh",
      "-c",
      inside,
    ],
    { encoding: "utf8", cwd: "/" },
  )
  expect(started.stdout, started.stderr).toContain(String(OTHER))
  // Where it may not make a control group, the box's processes are counted by user.
  expect(started.stdout).toMatch(/^128\s*$|^unlimited$|^\d{4,}\s*$/m)
  expect(started.stdout).toContain("CapEff:\t0000000000000000")
  expect(started.stdout).toContain("refused")
  expect(started.stdout).toContain("wrote")
  expect(started.stdout).toContain("covered")
})

test("the report says what it is here", async () => {
  const { engine } = openBoxes(own)
  const report = await engine.probe()
  expect(report).toMatchObject({ engine: "bubblewrap", available: true })
  expect(report.version).toMatch(/^\d+\.\d+\.\d+$/)
  expect(await engine.missing?.()).toBeUndefined()
  if (own === 0) expect(report.warnings.join("\n")).toContain("runs as root")
})
