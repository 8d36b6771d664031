// What is written into the workspace when a person takes changes of a copy over.
import { chmodSync, lchownSync, lstatSync, readFileSync, symlinkSync } from "node:fs"
import { join } from "node:path"
import { expect, test } from "vitest"
import { applyChanges } from "../../../src/sandbox/workspace/apply.ts"
import type { WorkspaceState } from "../../../src/sandbox/workspace/state.ts"
import type { WorkspaceChange } from "../../../src/sandbox/workspace/types.ts"
import { temporaryDirectory } from "../../context.ts"
import { needRoot } from "./make.ts"

const BOX = 1000

test.for([0, 1234])(
  "what root takes over belongs to user %i, whose workspace it is, and never to the box's",
  (owner, it) => {
    needRoot(it)
    const root = temporaryDirectory()
    const tree = temporaryDirectory({ "bin/run.sh": "echo\n" })
    symlinkSync("run.sh", join(tree, "bin/link"))
    chmodSync(join(tree, "bin/run.sh"), 0o755)
    for (const path of ["bin", "bin/run.sh", "bin/link"]) lchownSync(join(tree, path), BOX, BOX)
    lchownSync(root, owner, owner)
    const change = (path: string, kind: WorkspaceChange["kind"]): WorkspaceChange => ({
      ...{ path, kind, change: "added", size: 0, mode: 0o755 },
    })
    const changes = [change("bin", "directory"), change("bin/run.sh", "file"), change("bin/link", "link")]
    const state: WorkspaceState = {
      ...{ schema: "nanoguard.workspace-state/1", mode: "copy", root, run: "run-000000000001" },
      ...{ working: [], manifests: [], links: [], repositories: {}, hidden: [], copied: {} },
    }
    expect(applyChanges(state, tree, changes)).toMatchObject({ conflicts: [], refused: [] })
    for (const { path } of changes) {
      const { uid, gid } = lstatSync(join(root, path))
      expect([path, uid, gid]).toEqual([path, owner, owner])
    }
    expect(lstatSync(join(root, "bin/run.sh")).mode & 0o7777).toBe(0o755)
  },
)

test("what was applied already is no conflict when the rest is tried again", () => {
  const root = temporaryDirectory({ "same.txt": "box\n", "other.txt": "host\n", "short.txt": "box", "run.sh": "box\n" })
  const tree = temporaryDirectory({
    "same.txt": "box\n",
    "other.txt": "box!\n",
    "short.txt": "box\n",
    "run.sh": "box\n",
  })
  chmodSync(join(root, "same.txt"), 0o644)
  // The same bytes, which nobody may run.
  chmodSync(join(root, "run.sh"), 0o600)
  for (const directory of [root, tree]) symlinkSync("same.txt", join(directory, "link"))
  symlinkSync("same.txt", join(root, "elsewhere"))
  symlinkSync("other.txt", join(tree, "elsewhere"))
  const change = (path: string, kind: WorkspaceChange["kind"]): WorkspaceChange => ({
    ...{ path, kind, change: "added", size: 0, mode: 0o644 },
  })
  const changes = [
    ...["same.txt", "other.txt", "short.txt", "run.sh"].map((path) => change(path, "file")),
    ...["link", "elsewhere"].map((path) => change(path, "link")),
  ]
  const state: WorkspaceState = {
    ...{ schema: "nanoguard.workspace-state/1", mode: "copy", root, run: "run-000000000001" },
    ...{ working: [], manifests: [], links: [], repositories: {}, hidden: [], copied: {} },
  }
  const { applied, conflicts } = applyChanges(state, tree, changes)
  expect(applied).toEqual(["link", "same.txt"])
  expect(conflicts.map(({ path }) => path)).toEqual(["elsewhere", "other.txt", "run.sh", "short.txt"])
  expect(readFileSync(join(root, "other.txt"), "utf8")).toBe("host\n")
})

test("what was removed already, with the directories that it lay in, is no conflict; what a link leads to is", () => {
  const elsewhere = temporaryDirectory({ "c/d.txt": "host\n" })
  const root = temporaryDirectory({ "other/file.txt": "host\n", plain: "host\n" })
  symlinkSync(elsewhere, join(root, "link"))
  const paths = ["a/b/c.txt", "a/b", "a", "other/b/c.txt", "link/b/c.txt", "link/c/d.txt", "plain/b/c.txt"]
  const changes = paths.map((path): WorkspaceChange => ({ path, kind: "other", change: "removed", size: 0, mode: 0 }))
  const state: WorkspaceState = {
    ...{ schema: "nanoguard.workspace-state/1", mode: "copy", root, run: "run-000000000001" },
    ...{ working: [], manifests: [], links: [], repositories: {}, hidden: [], copied: {} },
  }
  const { applied, conflicts } = applyChanges(state, temporaryDirectory(), changes)
  expect([...applied].sort()).toEqual(["a", "a/b", "a/b/c.txt", "other/b/c.txt"])
  expect(conflicts.map(({ path }) => path).sort()).toEqual(["link/b/c.txt", "link/c/d.txt", "plain/b/c.txt"])
  expect(readFileSync(join(elsewhere, "c/d.txt"), "utf8")).toBe("host\n")
})
