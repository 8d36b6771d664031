// The image that tests run boxes of: Debian with what an agent works with, and this repository's Node.js. Made once on a machine.
import { execFile } from "node:child_process"
import { createHash } from "node:crypto"
import {
  cpSync,
  existsSync,
  mkdirSync,
  realpathSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  symlinkSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { promisify } from "node:util"

const run = promisify(execFile)

/** Its name in every engine. */
export const TEST_IMAGE = "nanoguard-test"

const PACKAGES = ["git", "ca-certificates", "curl", "wget", "python3", "perl", "vim-tiny", "less"]
/** An image without it was made of other packages. */
const CONTENT = createHash("sha256").update(PACKAGES.join(" ")).digest("hex").slice(0, 12)
const CACHE = join(tmpdir(), "nanoguard-test-image")
const TOO_LONG_MS = 300_000

/** Arguments of `docker` that mean this machine's daemon, whatever the environment says. */
export const LOCAL_DOCKER = ["--host", "unix:///var/run/docker.sock"]

/** Makes sure that Docker has the image. Needs root and debootstrap where it has not; takes half a minute then. */
export async function ensureDockerImage(): Promise<void> {
  if (await isInDocker()) return
  await once(async () => {
    if (await isInDocker()) return
    await run("docker", [...LOCAL_DOCKER, ...importing(await rootArchive())])
  })
}

const isInDocker = () => hasImage((args) => run("docker", [...LOCAL_DOCKER, ...args]))

/** Whether an engine has the image as it would be made now. */
async function hasImage(engine: (args: string[]) => Promise<{ stdout: string }>): Promise<boolean> {
  return engine(["image", "inspect", "--format", "{{json .Config.Labels}}", TEST_IMAGE]).then(
    ({ stdout }) => stdout.includes(`"${CONTENT}"`),
    () => false,
  )
}

const importing = (archive: string) => ["import", "--change", `LABEL nanoguard.test=${CONTENT}`, archive, TEST_IMAGE]

/** Makes sure that Podman has it, for whom `podman` runs it: a function that runs podman as that user. */
export async function ensurePodmanImage(podman: (args: string[]) => Promise<{ stdout: string }>): Promise<void> {
  if (await hasImage(podman)) return
  await once(async () => {
    if (!(await hasImage(podman))) await podman(importing(await rootArchive()))
  })
}

/** A tar archive of the image's root: from Docker where that has the image, else made here. */
async function rootArchive(): Promise<string> {
  const archive = join(CACHE, `${CONTENT}.tar`)
  if (existsSync(archive)) return archive
  const unfinished = `${archive}.${process.pid}`
  if (await isInDocker()) {
    const name = `nanoguard-test-export-${process.pid}`
    await run("docker", [...LOCAL_DOCKER, "create", "--network", "none", "--name", name, TEST_IMAGE, "true"])
    try {
      await run("docker", [...LOCAL_DOCKER, "export", "--output", unfinished, name])
    } finally {
      await run("docker", [...LOCAL_DOCKER, "rm", name])
    }
  } else {
    const root = join(CACHE, `root.${process.pid}`)
    await run("debootstrap", ["--variant=minbase", `--include=${PACKAGES.join(",")}`, "bookworm", root], {
      maxBuffer: 2 ** 26,
    })
    await addNode(root)
    for (const name of ["var/cache/apt", "var/lib/apt/lists"])
      rmSync(join(root, name), { recursive: true, force: true })
    await run("tar", ["--create", "--file", unfinished, "--directory", root, "."])
    rmSync(root, { recursive: true, force: true })
  }
  renameSync(unfinished, archive)
  return archive
}

/** Node.js as the tests use it, and the npm that is installed beside some Node.js of this machine. */
async function addNode(root: string): Promise<void> {
  const local = join(root, "usr", "local")
  cpSync(process.execPath, join(local, "bin", "node"))
  const { stdout } = await run("sh", ["-c", "command -v npm"])
  // npm/bin/npm-cli.js, wherever the program on PATH is a link to.
  const npm = dirname(dirname(realpathSync(stdout.trim())))
  cpSync(npm, join(local, "lib", "node_modules", "npm"), { recursive: true, dereference: true })
  for (const name of ["npm", "npx"]) symlinkSync(`../lib/node_modules/npm/bin/${name}-cli.js`, join(local, "bin", name))
}

/** One process of the machine at a time: the others wait, and find what that one made. */
async function once(work: () => Promise<void>): Promise<void> {
  mkdirSync(CACHE, { recursive: true })
  const lock = join(CACHE, "lock")
  while (!taken(lock)) await sleep(200)
  try {
    await work()
  } finally {
    rmdirSync(lock)
  }
}

function taken(lock: string): boolean {
  try {
    mkdirSync(lock)
    return true
  } catch {
    const age = Date.now() - (statSync(lock, { throwIfNoEntry: false })?.mtimeMs ?? Date.now())
    // Whoever made it was killed.
    if (age > TOO_LONG_MS) rmSync(lock, { recursive: true, force: true })
    return false
  }
}

/** Whether a command ends with 0. */
export async function succeeds(file: string, args: readonly string[]): Promise<boolean> {
  return run(file, args, { timeout: 60_000 }).then(
    () => true,
    () => false,
  )
}
