import { realpathSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { expect, test } from "vitest"
import { lawNotes } from "../../src/commands/run-law.ts"
import { temporaryDirectory } from "../context.ts"

const POLICY = "version: 1\n"

test("a person is told where the policy beside the workspace is not the one in force", () => {
  const root = realpathSync(temporaryDirectory({ "nanoguard.yaml": POLICY }))
  const texts = [{ file: "nanoguard.yaml", text: POLICY }]
  expect(lawNotes({ project: root, texts }, root)).toEqual([])
  writeFileSync(join(root, "nanoguard.yaml"), `${POLICY}mode: observe\n`)
  expect(lawNotes({ project: root, texts }, root)).toMatchObject([
    { level: "warning", text: expect.stringContaining("nanoguard policy adopt") },
  ])
  expect(lawNotes({ project: "/srv/elsewhere", texts }, root)).toMatchObject([
    { level: "warning", text: expect.stringContaining("another project's policy") },
  ])
})

test("nothing is said where there is no policy beside it, or the gate's is known by a name", () => {
  const texts = [{ file: "nanoguard.yaml", text: POLICY }]
  expect(lawNotes({ project: "/srv/elsewhere", texts }, temporaryDirectory({}))).toEqual([])
  const root = temporaryDirectory({ "nanoguard.yaml": POLICY })
  expect(lawNotes({ project: "shop", texts }, root)).toEqual([])
})
