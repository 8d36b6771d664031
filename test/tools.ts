// Package managers and oracles for the long tests, in the versions of fixtures/tools.json. Each is installed once, with npm, into
// a directory that all runs share; what they print is compared with what nanoguard reads.
import { execFileSync } from "node:child_process"
import {
  chmodSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs"
import { createRequire } from "node:module"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { TestContext } from "vitest"

const PINNED = JSON.parse(readFileSync(new URL("fixtures/tools.json", import.meta.url), "utf8")) as Record<
  string,
  { package: string; version: string }
>

export interface Tool {
  directory: string
  /** Path of one of its programs. */
  program: (name: string) => string
  /** Its module, for those that are libraries. */
  load: () => unknown
}

/** Where all of them are kept. */
const HOME = join(tmpdir(), "nanoguard-test-tools")

/** Where a tool is, once it is installed. */
export const toolDirectory = (name: string): string => join(HOME, `${name}-${PINNED[name]?.version}`)

/** Whether a tool was installed before: what is large is not fetched for a sample. */
export const hasTool = (name: string): boolean => existsSync(toolDirectory(name))

/** A tool of fixtures/tools.json, installed on first use. Where that is not possible the test is skipped, saying why. */
export function tool(ctx: TestContext, name: string): Tool {
  const pinned = PINNED[name]
  if (pinned === undefined) throw new Error(`${name} is not in test/fixtures/tools.json`)
  const directory = join(HOME, `${name}-${pinned.version}`)
  if (!existsSync(directory)) {
    mkdirSync(HOME, { recursive: true })
    const unfinished = mkdtempSync(join(HOME, ".install-"))
    try {
      writeFileSync(join(unfinished, "package.json"), '{"private":true}')
      const flags = ["--no-audit", "--no-fund", "--silent", "--ignore-scripts"]
      execFileSync("npm", ["install", ...flags, `${pinned.package}@${pinned.version}`], {
        cwd: unfinished,
        stdio: "pipe",
      })
      // Boxes of other users see it, too.
      chmodSync(unfinished, 0o755)
      renameSync(unfinished, directory)
    } catch (error) {
      rmSync(unfinished, { recursive: true, force: true })
      if (!existsSync(directory)) {
        ctx.skip(
          `${pinned.package}@${pinned.version} is missing: npm could not install it (${(error as Error).message.split("\n")[0]})`,
        )
      }
    }
  }
  return {
    directory,
    program: (program) => programIn(directory, program),
    load: () => createRequire(join(directory, "package.json"))(pinned.package) as unknown,
  }
}

/** bun's npm package puts its program in place with a script; without scripts it lies in the package of the platform. */
function programIn(directory: string, program: string): string {
  const [native] = program === "bun" ? globSync("node_modules/@oven/bun-*/bin/bun", { cwd: directory }).sort() : []
  return native === undefined ? join(directory, "node_modules", ".bin", program) : join(directory, native)
}
