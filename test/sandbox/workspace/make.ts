// Workspaces for tests: real repositories, real mounts by bubblewrap, nothing of nanoguard's own engines.
import { execFileSync, spawnSync } from "node:child_process"
import { existsSync } from "node:fs"
import { join } from "node:path"
import type { TestContext as VitestContext } from "vitest"
import { loadPolicyTexts } from "../../../src/policy/load.ts"
import type { BoxMount } from "../../../src/sandbox/types.ts"
import { openWorkspace } from "../../../src/sandbox/workspace/open.ts"
import type { Workspace, WorkspaceMode } from "../../../src/sandbox/workspace/types.ts"
import { emptyHome, type TestContext, temporaryDirectory, testContext, writeFiles } from "../../context.ts"

export const RUN = "run-0123456789ab"

const IDENTITY = ["-c", "user.name=Person", "-c", "user.email=person@example.com", "-c", "init.defaultBranch=main"]

/** git on the host, as a person runs it: with the repository's own configuration. */
export function git(cwd: string, ...args: string[]): string {
  const env = { PATH: process.env["PATH"] ?? "", HOME: cwd, GIT_CONFIG_NOSYSTEM: "1", GIT_CONFIG_GLOBAL: "/dev/null" }
  return execFileSync("git", [...IDENTITY, ...args], {
    cwd,
    env,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  }).trim()
}

/** A directory that goes with the test, with a repository of one commit in it. */
export function makeRepository(files: Record<string, string> = { "a.txt": "one\n" }): string {
  const root = join(temporaryDirectory(), "work")
  execFileSync("mkdir", [root])
  writeFiles(root, files)
  git(root, "init", "-q")
  git(root, "config", "user.name", "Person")
  git(root, "config", "user.email", "person@example.com")
  git(root, "add", "-A")
  git(root, "commit", "-q", "-m", "first")
  return root
}

export interface Opened {
  ctx: TestContext
  workspace: Workspace
  /** Of the box, on the host. */
  directory: string
}

interface OpenOptions {
  mode?: WorkspaceMode
  policy?: string
  cwd?: string
  run?: string
  ctx?: TestContext
  directory?: string
}

/** Opens a workspace under a policy, whose first lines are there already. */
export async function open(root: string, options: OpenOptions = {}): Promise<Opened> {
  const { mode, policy = "", cwd = root, run = RUN } = options
  const ctx = options.ctx ?? testContext(root, { env: emptyHome() })
  const directory = options.directory ?? join(ctx.env["HOME"]!, "boxes", run, "workspace")
  const compiled = await loadPolicyTexts([{ file: "nanoguard.yaml", text: `version: 1\n${policy}` }])
  const workspace = await openWorkspace(ctx, { root, cwd, run, directory, policy: compiled, ...(mode && { mode }) })
  return { ctx, workspace, directory }
}

/** Skips a test where bubblewrap is missing; in CI that is a failure. */
export function needBubblewrap(test: VitestContext): void {
  const found = (process.env["PATH"] ?? "").split(":").some((directory) => existsSync(join(directory, "bwrap")))
  if (!found && process.env["NANOGUARD_REQUIRE_ENGINES"] !== "1")
    test.skip("bubblewrap is missing: apt-get install bubblewrap")
}

/** Skips a test where somebody else than root runs it; in CI it fails then. */
export function needRoot(test: VitestContext): void {
  if (process.getuid?.() !== 0 && process.env["NANOGUARD_REQUIRE_ENGINES"] !== "1")
    test.skip("only root gives anything away: run the tests as root")
}

/** Skips a test where the file system refuses the names that `write` makes, as APFS does what is no text; in CI that is a failure. */
export function needAnyName(test: VitestContext, write: () => void): void {
  try {
    write()
  } catch (error) {
    const isRefused = ["EILSEQ", "EINVAL"].includes((error as NodeJS.ErrnoException).code ?? "")
    if (!isRefused || process.env["NANOGUARD_REQUIRE_ENGINES"] === "1") throw error
    test.skip("this file system takes no such names")
  }
}

/** Runs a script of sh in a box with the workspace's mounts. */
export function inside(
  { mounts, cwd, user }: Workspace,
  script: string,
  env: Record<string, string> = {},
): { code: number; out: string } {
  const system = ["/usr", "/bin", "/sbin", "/lib", "/lib64", "/etc"].flatMap((path) =>
    existsSync(path) ? ["--ro-bind", path, path] : [],
  )
  const drop = user.uid === 0 || process.getuid?.() !== 0
  const as = drop ? [] : ["setpriv", `--reuid=${user.uid}`, `--regid=${user.gid}`, "--clear-groups", "--inh-caps=-all"]
  const variables = { PATH: "/usr/local/bin:/usr/bin:/bin", HOME: "/tmp", GIT_CONFIG_NOSYSTEM: "1", ...env }
  const args = [
    ...(drop ? ["--unshare-all", "--cap-drop", "ALL"] : ["--unshare-pid", "--unshare-net", "--cap-add", "ALL"]),
    ...["--die-with-parent", "--clearenv"],
    ...["--proc", "/proc", "--dev", "/dev", "--perms", "1777", "--tmpfs", "/tmp"],
    ...system,
    ...mounts.flatMap(toBubblewrap),
    ...Object.entries(variables).flatMap(([name, value]) => ["--setenv", name, value]),
    ...["--chdir", cwd, ...as, "sh", "-c", script],
  ]
  const { status, stdout, stderr } = spawnSync("bwrap", args, { encoding: "utf8", timeout: 60_000 })
  return { code: status ?? -1, out: `${stdout}${stderr}` }
}

function toBubblewrap(mount: BoxMount): string[] {
  if (mount.kind === "bind") return [mount.write ? "--bind" : "--ro-bind", mount.source, mount.target]
  if (mount.kind === "tmpfs") return ["--tmpfs", mount.target]
  return mount.directory
    ? ["--tmpfs", mount.target, "--remount-ro", mount.target]
    : ["--ro-bind", "/dev/null", mount.target]
}
