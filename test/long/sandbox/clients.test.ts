// Package managers in boxes of real engines, unmodified: what is approved is installed, a range ends on what is approved, a pin of a
// refused version says why and what to do, once, and the box can ask the gate about it.
import { execFileSync, spawnSync } from "node:child_process"
import { existsSync, globSync, mkdirSync, readFileSync, renameSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { basename, dirname, join } from "node:path"
import { afterAll, describe, expect, it, type TestContext } from "vitest"
import { quoteWord } from "../../../src/sandbox/terminal/quote.ts"
import { useEngine } from "../../sandbox/engines.ts"
import { podmanUser, type TestUser } from "../../sandbox/user.ts"
import { toolDirectory } from "../../tools.ts"
import { CLIENTS } from "../clients/clients.ts"
import type { ClientDescription } from "../clients/description.ts"
import { ADVISORY } from "../clients/gate.ts"
import type { Packages } from "../clients/packages.ts"
import { write } from "../clients/project.ts"
import { SAMPLE, SEED } from "../faults/random.ts"
import { findPythonTool } from "../python-tools.ts"
import { type BoxLab, give, type LabEngine, openBoxLab } from "./lab.ts"

const PACKAGES: Packages = {
  plain: [{ version: "1.0.0" }, { version: "1.1.0" }],
  "uses-plain": [{ version: "1.0.0", dependencies: { plain: "^1.0.0" } }],
  foo: [{ version: "1.0.0" }, { version: "1.1.0" }, { version: "1.2.0" }, { version: "2.0.0" }],
  bar: [{ version: "1.0.0" }, { version: "1.0.1" }, { version: "1.0.2" }],
}
const REFUSED = { foo: ["1.2.0"], bar: ["1.0.1"] }
const PYTHON = ["pip", "uv", "poetry"] as const
const FROM_NPM = ["npm-10", "npm-11", "npm-12", "pnpm-10", "pnpm-12", "yarn-1", "yarn-4", "bun"]

const ENGINES = ["bubblewrap", "docker", "docker+runsc", "podman"] as const

/** One of this process's user, and one of a user without rights; each is opened by its first test. */
const labs: { root?: Promise<BoxLab>; user?: Promise<BoxLab> } = {}
afterAll(async () => {
  for (const lab of Object.values(labs)) await lab.then((one) => one.close())
})

function labOf(engine: LabEngine): Promise<BoxLab> {
  if (engine === "podman") labs.user ??= podmanUser().then(open)
  else labs.root ??= open()
  return (engine === "podman" ? labs.user : labs.root)!
}

async function open(as?: TestUser): Promise<BoxLab> {
  const python = (await Promise.all(PYTHON.map(findPythonTool))).flatMap((found) =>
    "bin" in found ? [dirname(found.bin)] : [],
  )
  const compilers = [...(isApart(rustHome()) ? [linkRust()] : []), ...(isApart(goHome()) ? [goHome()] : [])]
  const tools = [...FROM_NPM.map(toolDirectory), ...python, ...compilers]
  return openBoxLab({ packages: PACKAGES, refused: REFUSED, tools, ...(as && { as }) })
}

/** Where a toolchain is, behind programs such as rustup's; "" where there is none. */
function homeOf(file: string, ...args: string[]): string {
  try {
    return execFileSync(file, args, { encoding: "utf8", stdio: "pipe" }).trim()
  } catch {
    return ""
  }
}
const rustHome = () => homeOf("rustc", "--print", "sysroot")
const goHome = () => homeOf("go", "env", "GOROOT")
/** The machine's own programs are in a box of bubblewrap as they are, and cannot be taken elsewhere. */
const isApart = (home: string) => home !== "" && !/^\/usr(?:\/(?:lib|share)\b|$)/.test(home)
const rustCopy = () => join(tmpdir(), "nanoguard-test-tools", `rust-${basename(rustHome())}`)

/** Where everybody may look: rustup keeps it in a home directory. */
function linkRust(): string {
  const place = rustCopy()
  if (existsSync(place)) return place
  const unfinished = `${place}.${process.pid}`
  mkdirSync(unfinished, { recursive: true })
  const from = ["bin", "lib"].map((name) => join(rustHome(), name))
  // Elsewhere it may lie on another disk.
  const isLinked = spawnSync("cp", ["--archive", "--link", ...from, unfinished]).status === 0
  if (!isLinked) execFileSync("cp", ["--archive", ...from, unfinished])
  renameSync(unfinished, place)
  return place
}

/** A shell command that starts the client in a box. */
async function programOf(lab: BoxLab, engine: LabEngine, client: ClientDescription, ctx: TestContext): Promise<string> {
  const found = await client.find(ctx)
  const homes: Readonly<Record<string, () => string>> = { cargo: rustHome, go: goHome }
  const home = homes[client.command]?.() ?? ""
  const apart = client.command === "cargo" ? rustCopy() : home
  const path = isApart(home) ? join(apart, "bin", client.command) : found
  if (engine !== "bubblewrap" && lab.inBox(path) === path)
    ctx.skip(`${client.label} of this machine, ${path}, cannot be mounted into an image, or not by this user`)
  if (client.command === "pip" || client.command === "poetry") {
    // A virtual environment's own interpreter may be a link to where no box looks.
    const [packages] = globSync("lib/python3*/site-packages", { cwd: dirname(dirname(path)) })
    const at = lab.inBox(join(dirname(dirname(path)), packages!))
    return `env PYTHONPATH=${at} python3 -m ${client.command}`
  }
  return lab.inBox(path)
}

/** A sample has some of them, by the seed and other ones in each engine: more in the engine that starts sooner. */
function drawn(engine: LabEngine): readonly ClientDescription[] {
  const many = SAMPLE ? { bubblewrap: 5, docker: 2, "docker+runsc": 1, podman: 1 }[engine] : CLIENTS.length
  const first = SEED + 5 * ENGINES.indexOf(engine)
  return Array.from({ length: many }, (_, index) => CLIENTS[(first + index) % CLIENTS.length]!)
}

describe.each(ENGINES)("in a box of %s", (engine) => {
  it.for(drawn(engine))("$label installs what is approved, and says what is not", async (client, ctx) => {
    await useEngine(ctx, engine)
    const lab = await labOf(engine)
    const { logs, why, installed } = await work(lab, engine, client, await programOf(lab, engine, client, ctx))
    const isGo = client.ecosystem === "golang"
    expect(logs.approved).toMatch(/\[exit 0\]$/)
    // Go takes the least version that will do.
    expect(installed("approved", "plain")).toBe(isGo ? "1.0.0" : "1.1.0")
    expect(logs.range).toMatch(/\[exit 0\]$/)
    expect(isGo ? installed("range", "bar") : installed("range", "foo")).toBe(isGo ? "1.0.2" : "1.1.0")
    expect(logs.pin).not.toMatch(/\[exit 0\]$/)
    const told = logs.pin.split("\n").filter((line) => line.startsWith("nanoguard: "))
    expect(told, logs.pin).toHaveLength(1)
    expect(told[0]).toMatch(/bar@v?1\.0\.1 refused by policy: vulnerability\.severity/)
    expect(told[0]).toContain(ADVISORY)
    expect(told[0]).toContain("1.0.2")
    if (!isGo) expect(installed("pin", "bar")).toBeUndefined()
    expect(why.verdict).toMatchObject({ effect: "deny", code: "vulnerability.severity" })
  })
})

/** Runs a client in three projects of one box, and asks the gate about the last refusal. */
async function work(lab: BoxLab, engine: LabEngine, client: ClientDescription, program: string) {
  const name = `${client.label.replace(/\W/g, "-")}-${engine}`
  const origin = "http://127.0.0.1:8471"
  const projects = {
    approved: [client.install, client.files({ "uses-plain": "=1.0.0", plain: "^1.0.0" }, origin)],
    range:
      client.ecosystem === "golang"
        ? [client.add("bar"), client.files({}, origin)]
        : [client.install, client.files({ foo: "^1.0.0" }, origin)],
    pin: [client.install, client.files({ bar: "=1.0.1" }, origin)],
  } as const
  const workspace = lab.workspace(name)
  for (const [project, [, files]] of Object.entries(projects))
    write(join(workspace, project), files as Record<string, string>)
  give(workspace, statSync(workspace).uid)
  const env: Record<string, string> = client.env("/home/agent", program)
  // The box's own, as a person would have it.
  if (client.command === "uv") env["UV_PYTHON"] = "/usr/bin/python3"
  const script = [
    ...Object.entries(env).map(([key, value]) => `export ${key}=${quoteWord(value)}`),
    `export PATH="/run/nanoguard/bin:${lab.launchers(name, { [client.command]: program })}:$PATH"`,
    ...Object.entries(projects).map(
      ([project, [line]]) => `(cd ${project} && ${line}; echo "[exit $?]") > ${project}.log 2>&1`,
    ),
    "curl -sS http://nanoguard.internal/v1/why/last > why.json",
    `${client.command} --version > version.log 2>&1 || true`,
  ]
  const { exit, terminal } = await lab.run(engine, workspace, ["sh", "-c", script.join("\n")])
  const read = (file: string) => readFileSync(join(workspace, file), "utf8").trimEnd()
  expect(exit, terminal).toBe(0)
  // No other one was found further on PATH.
  const [, major] = / (\d+)$/.exec(client.label) ?? []
  if (major !== undefined) expect(read("version.log")).toMatch(new RegExp(`^${major}\\.`))
  return {
    terminal,
    logs: { approved: read("approved.log"), range: read("range.log"), pin: read("pin.log") },
    why: JSON.parse(read("why.json")) as { verdict: { code: string } },
    installed: (project: string, name: string) => client.installed(join(workspace, project), name),
  }
}
