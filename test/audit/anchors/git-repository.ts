// Repositories of git for anchors, and what holds for one however it is reached.
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { beforeEach, describe, expect, it } from "vitest"
import { openAnchor } from "../../../src/audit/anchors/index.ts"
import { publishTo } from "../../../src/audit/anchors/publish.ts"
import type { Anchor } from "../../../src/audit/types.ts"
import { emptyHome, type TestContext, temporaryDirectory, testContext } from "../../context.ts"
import { testAnchor } from "./contract.ts"
import { makeLog, ORIGIN } from "./log.ts"

let found: Promise<boolean> | undefined

/** Skips the tests of a file where git is missing. */
export function needGit(): void {
  beforeEach(async (test) => {
    found ??= hasGit()
    if (!(await found)) test.skip("git is missing: install git 2.39 or later")
  })
}

async function hasGit(): Promise<boolean> {
  try {
    await testContext("/").exec("git", ["--version"])
    return true
  } catch {
    return false
  }
}

export interface Repository {
  path: string
  ctx: TestContext
  git: (...args: string[]) => Promise<string>
  open: (kind: Kind) => Anchor
}

export type Kind = "path" | "url"

/** An empty one, made with these options of `git init`. */
export async function repository(...options: string[]): Promise<Repository> {
  const path = join(temporaryDirectory(), "anchors.git")
  const ctx = testContext("/", { env: emptyHome() })
  const git = async (...args: string[]) => {
    const { exitCode, stdout, stderr } = await ctx.exec("git", args, { env: { ...ctx.env, GIT_DIR: path } })
    if (exitCode !== 0) throw new Error(stderr)
    return stdout.trim()
  }
  await git("init", "--quiet", "--bare", ...options)
  return { path, ctx, git, open: (kind) => openAnchor(`git:${kind === "path" ? path : pathToFileURL(path)}`, ctx) }
}

/** Declares the tests of every anchor, and of a race, over a repository that is reached in this way. */
export function describeRepository(kind: Kind): void {
  const log = makeLog(40)
  describe(`a git repository by ${kind}`, () => {
    testAnchor(async () => {
      const { open } = await repository()
      return { anchor: open(kind), again: () => open(kind) }
    })

    it("is read again where somebody published in between", async () => {
      const { ctx, open, path } = await repository()
      await publishTo(open(kind), log.at(3), log.prove)
      const other = openAnchor(`git:${path}`, testContext("/", { env: emptyHome() }))
      let once = true
      const racing: TestContext = {
        ...ctx,
        exec: async (file, args, options) => {
          if (once && args.includes("commit-tree")) {
            once = false
            await publishTo(other, log.at(4), log.prove)
          }
          return ctx.exec(file, args, options)
        },
      }
      const anchor = openAnchor(open(kind).name, racing)
      expect(await publishTo(anchor, log.at(9), log.prove)).toEqual({ published: true, before: 4, size: 9 })
      expect((await open(kind).read(ORIGIN)).map(({ size }) => size)).toEqual([3, 4, 9])
    })
  })
}
