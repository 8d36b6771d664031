// The build refuses a bundle in which a box reads what only a vet needs, and leaves nothing of one that fails.
import { readdirSync } from "node:fs"
import { resolve } from "node:path"
import { expect, test } from "vitest"
import { readWith } from "../../scripts/chunks.ts"
import { processContext } from "../../src/context.ts"
import { temporaryDirectory } from "../context.ts"

/** A program as small as the build takes it; `run` is what a box is made of. */
const program = (run: string) => ({
  "src/cli.ts":
    'if (process.argv[2] === "run") await import("./commands/run.ts")\nelse await import("./commands/vet.ts")\n',
  "src/commands/run.ts": run,
  "src/commands/vet.ts": 'import { load } from "../policy/load.ts"\nconsole.log(load())\n',
  "src/policy/load.ts": "export const load = () => process.title\n",
  "src/store/committer.ts": "console.log(1)\n",
  "src/audit/derive/deriver.ts": "console.log(2)\n",
  "src/audit/verify/hasher.ts": "console.log(3)\n",
})

test("an import of what only the other needs ends the build, and nothing of it stays", async () => {
  const run = 'import { load } from "../policy/load.ts"\nconsole.log(load())\n'
  const cwd = temporaryDirectory(program(run))
  const { exitCode, stderr } = await processContext().exec(process.execPath, [resolve("scripts/build.ts")], { cwd })
  expect(stderr).toContain("the chunk box reads the chunk offline: what it takes from there belongs in SHARED")
  expect(exitCode).not.toBe(0)
  expect(readdirSync(cwd)).toEqual(["src"])
})

test("what is read with a chunk is also what its imports import, in a circle as well", () => {
  const [box, shared, offline, other] = [
    { fileName: "box.js", imports: ["shared.js", "node.js"] },
    { fileName: "shared.js", imports: ["offline.js", "box.js"] },
    { fileName: "offline.js", imports: [] },
    { fileName: "other.js", imports: ["offline.js"] },
  ]
  const chunks = [box!, shared!, offline!, other!]
  expect([...readWith(box!, chunks)].sort()).toEqual(["box.js", "node.js", "offline.js", "shared.js"])
  expect([...readWith(offline!, chunks)]).toEqual([])
})
