// Which files a project consists of.
import { readdirSync } from "node:fs"
import { join } from "node:path"
import type { Context } from "../../context.ts"
import { EXIT, NanoguardError } from "../../errors.ts"
import { safeGit } from "../git.ts"
import { isLeftOut } from "./settings.ts"

const MAX_ENTRIES = 200_000

/** The root of a project and its files as paths relative to it, with forward slashes. */
export interface ProjectFiles {
  root: string
  files: string[]
}

/**
 * The repository around `cwd` with what git tracks or would track; without git, everything below `cwd` but installed
 * packages and build output. Links are listed and not followed.
 */
export async function listProject(ctx: Context, cwd: string): Promise<ProjectFiles> {
  const git = safeGit(ctx, cwd)
  try {
    const top = await git(["rev-parse", "--show-toplevel"])
    const root = top.stdout.replace(/\r?\n$/, "")
    if (top.exitCode === 0 && root !== "") {
      const listed = await safeGit(ctx, root)(["ls-files", "-co", "--exclude-standard", "-z"])
      if (listed.exitCode === 0) return { root, files: [...new Set(listed.stdout.split("\0"))].filter(Boolean) }
    }
  } catch (error) {
    if (!(error instanceof NanoguardError)) throw error
  }
  return { root: cwd, files: walk(cwd) }
}

function walk(root: string): string[] {
  const files: string[] = []
  const open = [""]
  let seen = 0
  for (let directory = open.pop(); directory !== undefined; directory = open.pop()) {
    for (const entry of readdirSync(join(root, directory), { withFileTypes: true })) {
      const path = directory === "" ? entry.name : `${directory}/${entry.name}`
      if (++seen > MAX_ENTRIES) {
        throw new NanoguardError(`there are more than ${MAX_ENTRIES} files below this directory`, {
          exit: EXIT.usage,
          hint: "run nanoguard vet --fix in the directory of one lockfile",
        })
      }
      if (entry.isDirectory()) {
        if (!isLeftOut(`${path}/x`)) open.push(path)
      } else files.push(path)
    }
  }
  return files
}
