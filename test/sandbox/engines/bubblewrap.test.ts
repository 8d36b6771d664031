import { spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import { existsSync, readFileSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { expect, onTestFinished, test } from "vitest"
import { stateHome } from "../../../src/home.ts"
import { stopBoxes } from "../../../src/sandbox/end.ts"
import { readBoxFiles, readOptions } from "../../../src/sandbox/engines/bubblewrap/arguments.ts"
import {
  isFrozen,
  killMembers,
  makeCgroup,
  members,
  removeCgroup,
  setFrozen,
} from "../../../src/sandbox/engines/bubblewrap/cgroup.ts"
import { layOutNode, parents, programPath } from "../../../src/sandbox/engines/bubblewrap/host.ts"
import { prepareLaunch } from "../../../src/sandbox/engines/bubblewrap/launch.ts"
import { findLaunches, writeLaunch } from "../../../src/sandbox/engines/bubblewrap/launched.ts"
import { isInit, startOf } from "../../../src/sandbox/engines/bubblewrap/processes.ts"
import { createBubblewrap } from "../../../src/sandbox/engines/bubblewrap.ts"
import { createHand } from "../../../src/sandbox/hand.ts"
import type { BoxSpec } from "../../../src/sandbox/types.ts"
import { temporaryDirectory, testContext } from "../../context.ts"
import { needsGroup } from "./bubblewrapped.ts"

const spec: BoxSpec = {
  ...{ run: "run-0123456789ab", agent: "tester", command: ["true"], cwd: "/workspace", hostname: "box", tty: false },
  env: { HOME: "/home/agent", KEY: "a placeholder" },
  user: { uid: 1000, gid: 1001 },
  mounts: [
    { kind: "tmpfs", target: "/home/agent", size: 1024, mode: 0o700, exec: true },
    { kind: "bind", source: "/srv/project", target: "/workspace", write: true },
    { kind: "bind", source: "/srv/project/.git/hooks", target: "/workspace/.git/hooks", write: false },
    { kind: "mask", target: "/workspace/.env", directory: false },
    { kind: "mask", target: "/workspace/keys", directory: true },
    { kind: "bind", source: "/srv/run", target: "/run/nanoguard", write: false },
  ],
  limits: { memory: 2 ** 30, pids: 100, files: 1024 },
}
const given = {
  footing: "mapped",
  node: "/usr/bin/node",
  empty: "/srv/empty",
  files: ["/etc/passwd"],
  firstFile: 5,
  seccomp: 3,
  status: 9,
} as const

/** Options as bwrap reads them: each with its words. */
function group(words: readonly string[]): string[] {
  const groups: string[][] = []
  for (const word of words) {
    if (word.startsWith("--")) groups.push([])
    groups.at(-1)?.push(word)
  }
  return groups.map((words) => words.join(" "))
}

test.runIf(process.platform === "linux")(
  "options of a box in their order: what covers comes after what it covers, the root is closed last",
  () => {
    const options = group(readOptions(spec, given))
    const at = (option: string) => {
      expect(options).toContain(option)
      return options.indexOf(option)
    }
    for (const option of [
      "--unshare-user",
      "--disable-userns",
      "--unshare-pid",
      "--unshare-net",
      "--unshare-ipc",
      "--unshare-uts",
      "--clearenv",
      "--new-session",
      "--die-with-parent",
      "--cap-drop ALL",
      "--uid 1000",
      "--gid 1001",
    ])
      at(option)
    expect(
      options.filter(
        (option) => option.startsWith("--cap-add") || option.startsWith("--share") || option.startsWith("--dev-bind"),
      ),
    ).toEqual([])
    expect(at("--ro-bind /proc/sys /proc/sys")).toBeGreaterThan(at("--proc /proc"))
    expect(at("--ro-bind /srv/project/.git/hooks /workspace/.git/hooks")).toBeGreaterThan(
      at("--bind /srv/project /workspace"),
    )
    expect(at("--ro-bind /srv/empty /workspace/.env")).toBeGreaterThan(at("--bind /srv/project /workspace"))
    expect(at("--remount-ro /workspace/keys")).toBe(at("--tmpfs /workspace/keys") + 1)
    expect(options.slice(-2)).toEqual(["--remount-ro /", "--chdir /workspace"])
    expect(at("--remount-ro /dev")).toBeGreaterThan(at("--dev /dev"))
    expect(
      options.filter((option) => /^--(ro-)?bind \/(home|root|var|run|sys|srv\/(?!project|run|empty))/.test(option)),
    ).toEqual([])
    // Directories for mounts of the box's own root only: below a workspace they would be made on the host.
    expect(options.filter((option) => option.startsWith("--dir /workspace"))).toEqual([])
    at("--dir /home")
  },
)

test.runIf(process.platform === "linux")(
  "a box of another user's has no user namespace, what is its owner's is its user's",
  () => {
    const options = group(readOptions({ ...spec, tty: true }, { ...given, footing: "dropped" }))
    expect(options.filter((option) => /userns|unshare-user|--uid|--gid|new-session/.test(option))).toEqual([])
    expect(options.filter((option) => option.startsWith("--cap-add"))).toEqual([
      "--cap-add CAP_SETUID",
      "--cap-add CAP_SETGID",
      "--cap-add CAP_SETPCAP",
    ])
    const memory = options.indexOf("--tmpfs /home/agent")
    expect(options.slice(memory - 2, memory)).toEqual(["--perms 0777", "--size 1024"])
    expect(readBoxFiles(spec, "/home/agent")["/etc/passwd"]).toBe("agent:x:1000:1001:agent:/home/agent:/bin/sh\n")
  },
)

test.runIf(process.platform === "linux")(
  "of a Node that is not the system's a box sees the program, global packages and their links, nothing beside them",
  () => {
    const home = temporaryDirectory({
      "bin/node": "",
      "bin/secret-tool": "",
      "lib/node_modules/npm/bin/npm-cli.js": "",
      "share/keyrings/login": "",
    })
    symlinkSync("../lib/node_modules/npm/bin/npm-cli.js", join(home, "bin/npm"))
    symlinkSync("../share/keyrings/login", join(home, "bin/other"))
    const options = group(layOutNode(join(home, "bin/node"))).filter((option) => option.includes(home))
    expect(options.filter((option) => !option.startsWith("--dir"))).toEqual([
      `--ro-bind ${home}/bin/node ${home}/bin/node`,
      `--ro-bind ${home}/lib/node_modules ${home}/lib/node_modules`,
      `--symlink ../lib/node_modules/npm/bin/npm-cli.js ${home}/bin/npm`,
    ])
    expect(programPath(join(home, "bin/node"))).toMatch(new RegExp(`^${home}/bin:/usr/local/sbin:`))
    expect(programPath("/usr/bin/node")).toBe("/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
    expect(parents("/a/b/c")).toEqual(["/a", "/a/b"])
  },
)

test("what lies in the directory of boxes and is none of ours is passed over", () => {
  const boxes = temporaryDirectory({
    "run-00000000000a/box.json": "{",
    "run-00000000000b/box.json": '{"engine":"docker","agent":"a"}',
    "run-00000000000c/box.json": '{"engine":"bubblewrap","agent":7}',
    "run-00000000000d/box.json": "null",
    "other/box.json": '{"engine":"bubblewrap","agent":"a"}',
    "run-00000000000f/box.json": '{"engine":"bubblewrap","agent":"a"}',
    "run-00000000000f/bubblewrap.json": '{"boot":"another","ticks":1,"cgroup":{"version":1,"directories":{}}}',
    "run-00000000000f/bubblewrap.status": '{ "child-pid": 1, "pid-namespace": 1 }',
  })
  expect(findLaunches(boxes)).toEqual([{ run: "run-00000000000f", agent: "a", ended: true }])
  expect(findLaunches(join(boxes, "none"))).toEqual([])
})

test("what was launched is a box, whatever its file is", () => {
  const launch = '{"boot":"another","ticks":1,"cgroup":{"version":1,"directories":{}}}'
  const files: Record<string, string> = {
    "run-00000000000a": "{",
    "run-00000000000b": `{"engine":"bubblewrap","agent":"a","command":["${"x".repeat(1024 * 1024)}"]}`,
    "run-00000000000c": '{"engine":"bubblewrap","agent":"\\u001b[2J"}',
    "run-00000000000d": '{"schema":"nanoguard.box/9","agent":"new"}',
  }
  const boxes = temporaryDirectory({
    "run-00000000000e/bubblewrap.json": launch,
    ...Object.fromEntries(Object.entries(files).map(([run, text]) => [`${run}/box.json`, text])),
    ...Object.fromEntries(Object.keys(files).map((run) => [`${run}/bubblewrap.json`, launch])),
  })
  const found = findLaunches(boxes).map(({ run, agent }) => [run.slice(-1), agent])
  expect(found.sort()).toEqual([
    ["a", ""],
    ["b", ""],
    ["c", ""],
    ["d", "new"],
    ["e", ""],
  ])
})

test.runIf(process.platform === "linux")(
  "a process is the first of a box only by namespace, time and place in it",
  () => {
    const start = startOf(process.pid) ?? 0
    expect(start).toBeGreaterThan(0)
    expect(startOf(2 ** 30)).toBeUndefined()
    for (const namespace of [0, 1, 4_026_531_836])
      expect(isInit({ pid: process.pid, namespace }, start, start)).toBe(false)
  },
)

test("a control group of version 2 freezes and ends what is in it", async (ctx) => {
  const root = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"].find((path) => existsSync(join(path, "cgroup.controllers")))
  if (root === undefined || process.getuid?.() !== 0) ctx.skip("there is none that we may change")
  const name = `nanoguard-test-${process.pid}`
  const { cgroup } = makeCgroup(name, { memory: 2 ** 30, pids: 50, files: 100 }, root)
  const directory = cgroup.directories.freezer
  if (directory === undefined) return ctx.skip("none can be made here")
  const child = spawn("sh", ["-c", 'echo 0 >"$1/cgroup.procs"; sleep 300 & wait', "sh", directory])
  const ended = new Promise((resolve) => child.on("exit", (_, signal) => resolve(signal)))
  while (members(cgroup).length < 2) await new Promise((resolve) => setTimeout(resolve, 5))
  expect(await setFrozen(cgroup, true)).toBe(true)
  expect(isFrozen(cgroup)).toBe(true)
  expect(await setFrozen(cgroup, false)).toBe(true)
  expect(isFrozen(cgroup)).toBe(false)
  await setFrozen(cgroup, true)
  await killMembers(cgroup)
  expect(await ended).toBe("SIGKILL")
  await removeCgroup(cgroup)
  expect(existsSync(directory)).toBe(false)
  expect(members(cgroup)).toEqual([])
})

test("a launch that fails leaves no control group behind", async (ctx) => {
  if (process.platform !== "linux" || process.getuid?.() !== 0) ctx.skip("only root has control groups to itself here")
  const run = "run-0123456789c6"
  const name = `nanoguard-${run}`
  // Others come and go while it looks, which it complains about.
  const groups = () => spawnSync("find", ["/sys/fs/cgroup", "-name", name], { encoding: "utf8" }).stdout
  const { cgroup } = makeCgroup(name, spec.limits)
  if (groups() === "") needsGroup(ctx, { directories: {} })
  await removeCgroup(cgroup)
  const bad = { ...spec, run, env: { ...spec.env, KEY: "with a \0 in it" } }
  expect(() => prepareLaunch(bad, "/usr/bin/bwrap", temporaryDirectory())).toThrow("NUL")
  expect(groups()).toBe("")
})

test("who ends a box and who freezes it to end it are not in each other's way", async (ctx) => {
  if (process.platform !== "linux" || process.getuid?.() !== 0) ctx.skip("only root has control groups to itself here")
  for (let round = 0; round < 12; round++) {
    const { cgroup } = makeCgroup(`nanoguard-test-${process.pid}-${round}`, { memory: 2 ** 30, pids: 50, files: 100 })
    const directory = needsGroup(ctx, cgroup)
    const child = spawn("sh", ["-c", 'echo 0 >"$1/cgroup.procs"; sleep 300 & wait', "sh", directory])
    while (members(cgroup).length < 2) await new Promise((resolve) => setTimeout(resolve, 5))
    const later = new Promise((resolve) => setTimeout(resolve, round % 4))
    await Promise.all([killMembers(cgroup), later.then(() => setFrozen(cgroup, true)), setFrozen(cgroup, true)])
    expect(members(cgroup)).toEqual([])
    await removeCgroup(cgroup)
    child.kill("SIGKILL")
  }
})

test("who ends a box lets it go on again where somebody froze it in the meantime", async () => {
  const child = spawn("sleep", ["300"], { stdio: "ignore" })
  const ended = once(child, "exit")
  // Files as those of a group, for no test freezes one in the very moment: what is in there dies once it is let go on a second time.
  const events = { "cgroup.events": "populated 1\nfrozen 1\n" }
  const group = temporaryDirectory({ "cgroup.procs": `${child.pid}\n`, "cgroup.freeze": "1", ...events })
  const [order, procs] = [join(group, "cgroup.freeze"), join(group, "cgroup.procs")]
  let thawed = 0
  const other = setInterval(() => {
    if (readFileSync(order, "utf8") !== "0") return
    if (++thawed === 1) writeFileSync(order, "1")
    else writeFileSync(procs, "")
  }, 1)
  onTestFinished(() => clearInterval(other))
  expect(await killMembers({ version: 2, directories: { freezer: group } })).toBe(true)
  expect(await ended).toEqual([null, "SIGKILL"])
  expect(thawed).toBeGreaterThan(1)
})

test.runIf(process.platform === "linux")(
  "a box that has not begun, and has no control group, is neither frozen nor killed nor removed; its run removes it",
  async () => {
    const run = "run-0123456789d7"
    const ctx = testContext(temporaryDirectory())
    const engine = createBubblewrap(ctx)
    const boxes = join(stateHome(ctx), "boxes")
    const { status } = writeLaunch(join(boxes, run), { version: 1, directories: {} })
    const [found] = await engine.list()
    expect(found).toMatchObject({ run, state: "running" })
    await Promise.all(
      [engine.freeze, engine.kill, engine.remove].map((act) =>
        expect(act(found!)).rejects.toMatchObject({ message: expect.stringContaining("not begun"), exit: 5 }),
      ),
    )
    const [stopped] = await stopBoxes([{ engine, found: found! }])
    expect(stopped).toMatchObject({ problem: expect.stringContaining("not begun") })
    expect([stopped!.frozen, stopped!.killed, stopped!.removed]).toEqual([undefined, undefined, undefined])
    expect(existsSync(status)).toBe(true)
    // Whose launcher never came, or is gone.
    await createHand(ctx, engine, { run, agent: "tester" }).remove()
    expect(await engine.list()).toEqual([])
  },
)
