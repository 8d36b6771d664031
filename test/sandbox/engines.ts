// The engines that tests run real boxes in, where this machine has them.
import { type ChildProcess, execFile, type SpawnOptions, spawn } from "node:child_process"
import { chownSync, existsSync, mkdirSync } from "node:fs"
import { join } from "node:path"
import type { Writable } from "node:stream"
import { text } from "node:stream/consumers"
import { promisify } from "node:util"
import { rolldown } from "rolldown"
import type { TestContext } from "vitest"
import { processContext } from "../../src/context.ts"
import { openEngines } from "../../src/sandbox/engines/index.ts"
import type { BoxSpec, Engine, EngineName, Launch } from "../../src/sandbox/types.ts"
import { temporaryDirectory } from "../context.ts"
import { ensureDockerImage, LOCAL_DOCKER, succeeds, TEST_IMAGE } from "./image.ts"
import { own, podmanUser, type TestUser, testUser } from "./user.ts"

const run = promisify(execFile)

/** What a test may ask for. */
export const ENGINES = ["docker", "docker+runsc", "podman", "bubblewrap"] as const

export type TestedEngine = (typeof ENGINES)[number]

export interface UsableEngine {
  engine: EngineName
  runtime?: string
  /** The image of boxes; none for bubblewrap. */
  image?: string
  /** Its methods, in this process or in one of the user's. */
  methods: Pick<Engine, "list" | "freeze" | "thaw" | "kill" | "remove" | "probe" | "freezeAll" | "killAll"> & {
    launch: (spec: BoxSpec) => Promise<Launch>
  }
  /** Whose boxes and workspaces are: root for Docker, the test user otherwise. */
  user: { uid: number; gid: number }
  /** A directory of that user's, which goes with the test. */
  directory: () => string
  start: (launch: Launch) => ChildProcess
}

/**
 * An engine to test with. Where it is missing the test is skipped, saying how to get it; with `NANOGUARD_REQUIRE_ENGINES=1` it
 * fails. The first call on a machine makes the image, which takes a minute.
 */
export async function useEngine(ctx: TestContext, name: TestedEngine): Promise<UsableEngine> {
  const why = await missing(name)
  if (why !== undefined) {
    const message = `${name} is missing: ${why} (bash .ci/engines, as root)`
    if (process.env["NANOGUARD_REQUIRE_ENGINES"] === "1") throw new Error(message)
    ctx.skip(message)
  }
  if (name === "podman") return asUser("podman", await podmanUser(), TEST_IMAGE)
  if (name === "bubblewrap") return asUser("bubblewrap", await testUser())
  await ensureDockerImage()
  return inDocker(name === "docker+runsc" ? "runsc" : undefined)
}

async function missing(name: TestedEngine): Promise<string | undefined> {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return "these tests need root on Linux"
  if (name === "bubblewrap") return (await succeeds("bwrap", ["--version"])) ? undefined : "bwrap is not installed"
  if (name === "podman") {
    const programs = ["podman", "newuidmap", "catatonit", "useradd"]
    const there = await Promise.all(programs.map((program) => succeeds("sh", ["-c", `command -v ${program}`])))
    const absent = programs.filter((_, index) => !there[index])
    return absent.length > 0 ? `${absent.join(", ")} not installed` : undefined
  }
  if (!(await succeeds("docker", [...LOCAL_DOCKER, "version"]))) return "no Docker daemon answers"
  if (name === "docker") return undefined
  const { stdout } = await run("docker", [...LOCAL_DOCKER, "info", "--format", "{{json .Runtimes}}"])
  return stdout.includes('"runsc"') ? undefined : "Docker has no runtime runsc"
}

function inDocker(runtime: string | undefined): UsableEngine {
  const home = temporaryDirectory()
  const env = { PATH: process.env["PATH"] ?? "", HOME: home, NANOGUARD_HOME: join(home, "nanoguard") }
  const methods = openEngines({ ...processContext(), env, cwd: home }).find(({ name }) => name === "docker")!
  return {
    engine: "docker",
    image: TEST_IMAGE,
    ...(runtime !== undefined && { runtime }),
    methods,
    user: { uid: 1234, gid: 1234 },
    directory: () => {
      const directory = temporaryDirectory()
      chownSync(directory, 1234, 1234)
      return directory
    },
    start: (launch) => start(launch, { env: process.env }),
  }
}

async function asUser(engine: EngineName, user: TestUser, image?: string): Promise<UsableEngine> {
  const program = await bundle(user)
  const home = own(temporaryDirectory(), user)
  const env = { ...user.env, NANOGUARD_HOME: join(home, "nanoguard") }
  const ask = async (method: string, argument?: unknown) => {
    const args = [program, engine, method, ...(argument === undefined ? [] : [JSON.stringify(argument)])]
    const { stdout } = await run(user.node, args, { ...user.as, env })
    return JSON.parse(stdout)
  }
  return {
    engine,
    ...(image !== undefined && { image }),
    methods: {
      launch: async (spec) => {
        const launch = await ask("launch", spec)
        const descriptors = launch.descriptors?.map((text: string) => Buffer.from(text, "base64"))
        return { ...launch, ...(descriptors && { descriptors }) }
      },
      list: () => ask("list"),
      probe: () => ask("probe"),
      freeze: (box) => ask("freeze", box),
      thaw: (box) => ask("thaw", box),
      kill: (box) => ask("kill", box),
      remove: (box) => ask("remove", box),
    },
    user: { uid: user.uid, gid: user.gid },
    directory: () => own(temporaryDirectory(), user),
    start: (launch) => start(launch, { ...user.as, env }),
  }
}

function start({ file, args, env, descriptors = [] }: Launch, options: SpawnOptions): ChildProcess {
  const stdio = ["pipe" as const, "pipe" as const, "pipe" as const, ...descriptors.map(() => "pipe" as const)]
  const child = spawn(file, args, { ...options, stdio, ...(env && { env }) })
  descriptors.forEach((bytes, index) => {
    ;(child.stdio[3 + index] as Writable).end(bytes)
  })
  return child
}

/** The sources as they are now, where the user may read them. */
async function bundle(user: TestUser): Promise<string> {
  const directory = join(user.home, "programs")
  if (!existsSync(directory)) mkdirSync(directory)
  own(directory, user)
  const file = join(directory, `act-${process.pid}.mjs`)
  const input = new URL("engines/act.ts", import.meta.url).pathname
  const built = await rolldown({ input, platform: "node", external: /^node:/, logLevel: "silent" })
  await built.write({ file, format: "esm", codeSplitting: false })
  await built.close()
  chownSync(file, user.uid, user.gid)
  return file
}

/** What a box printed, and how it ended. */
export async function finished(child: ChildProcess): Promise<{ code: number | null; out: string; err: string }> {
  child.stdin?.end()
  const ended = new Promise<number | null>((resolve) => child.on("close", (code) => resolve(code)))
  const [out, err, code] = await Promise.all([text(child.stdout!), text(child.stderr!), ended])
  return { code, out, err }
}
