// This repository's own package-lock.json, against what npm itself says of it.
import { execFileSync } from "node:child_process"
import { fileURLToPath } from "node:url"
import { expect, it } from "vitest"
import { parentsOf } from "../../../src/packages/graph.ts"
import { readLockfile } from "../../../src/packages/lockfiles/index.ts"

const ROOT = fileURLToPath(new URL("../../..", import.meta.url))

/** One item of `npm query`; `from` is who wants it, as locations. */
interface Queried {
  location: string
  name: string
  version: string
  dev: boolean
  inBundle: boolean
  from: string[]
}

it("says what npm says of every package, who wants it, and what is for development", async (ctx) => {
  let output: string
  try {
    output = execFileSync("npm", ["query", "*", "--package-lock-only"], {
      cwd: ROOT,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    })
  } catch {
    return ctx.skip("npm is missing, or knows no `npm query`: it comes with Node.js")
  }
  const theirs = (JSON.parse(output) as Queried[]).filter((item) => item.location !== "")
  const lockfile = await readLockfile(ROOT, "package-lock.json")
  expect(theirs.length).toBeGreaterThan(100)
  const row = (key: string, name: string, version: string, dev: boolean, from: readonly string[]) =>
    `${key} ${name}@${version} ${dev} ${[...new Set(from)].sort().join(",")}`
  expect(
    lockfile.dependencies
      .map((item) =>
        row(
          item.key,
          item.name,
          item.version,
          item.dev,
          parentsOf(lockfile, item.key).map(({ key }) => key),
        ),
      )
      .sort(),
  ).toEqual(theirs.map((item) => row(item.location, item.name, item.version, item.dev, item.from)).sort())
})
