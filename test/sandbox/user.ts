// A user without rights, for what must not be root: rootless Podman, and boxes of a person. Made once on a machine, kept there.
import { execFile } from "node:child_process"
import { chmodSync, chownSync, cpSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { promisify } from "node:util"
import { ensurePodmanImage, succeeds } from "./image.ts"

const run = promisify(execFile)

const NAME = "nanoguard-test"

export interface TestUser {
  uid: number
  gid: number
  /** Its own, mode 0700. */
  home: string
  /** A Node.js that it may run: this one, copied. */
  node: string
  /** All that its programs are given. */
  env: Record<string, string>
  /** For `spawn` and the like. */
  as: { uid: number; gid: number; cwd: string; env: Record<string, string> }
}

/** The user, made where it is missing. Needs root. */
export async function testUser(): Promise<TestUser> {
  const home = `/var/lib/${NAME}`
  if (!(await succeeds("id", [NAME])))
    await run("useradd", ["--create-home", "--home-dir", home, "--shell", "/bin/sh", NAME])
  const [uid, gid] = await Promise.all(["-u", "-g"].map(async (flag) => Number((await run("id", [flag, NAME])).stdout)))
  if (uid === undefined || gid === undefined) throw new Error("no ids")
  const user = { uid, gid }
  chmodSync(home, 0o700)
  const runtime = join(home, "run")
  for (const directory of [runtime, join(home, ".config"), join(home, ".config", "containers")]) own(directory, user)
  // Debian's Podman would copy the whole image for every container.
  writeFileSync(join(home, ".config", "containers", "storage.conf"), '[storage]\ndriver = "overlay"\n')
  const env = { HOME: home, USER: NAME, PATH: "/usr/local/bin:/usr/bin:/bin", XDG_RUNTIME_DIR: runtime, TERM: "dumb" }
  return { ...user, home, env, node: copyNode(home), as: { ...user, cwd: home, env } }
}

/** The user, with the test image in its Podman. */
export async function podmanUser(): Promise<TestUser> {
  if (!readFileSync("/etc/subuid", "utf8").includes(`${NAME}:`)) {
    const range = "700000-765535"
    await testUser()
    await run("usermod", ["--add-subuids", range, "--add-subgids", range, NAME])
  }
  const user = await testUser()
  await ensurePodmanImage((args) => run("podman", args, { ...user.as, maxBuffer: 2 ** 24 }))
  return user
}

/** A directory of the user's, mode 0700. */
export function own(directory: string, { uid, gid }: { uid: number; gid: number }): string {
  mkdirSync(directory, { recursive: true })
  chownSync(directory, uid, gid)
  chmodSync(directory, 0o700)
  return directory
}

// The checkout may lie where nobody else may look.
function copyNode(home: string): string {
  const node = join(home, `node-${process.version}`)
  if (!existsSync(node)) {
    const unfinished = `${node}.${process.pid}`
    cpSync(process.execPath, unfinished)
    chmodSync(unfinished, 0o755)
    renameSync(unfinished, node)
  }
  return node
}
