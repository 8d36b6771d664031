// Somebody who can write to the workspace exchanges what is copied out of it, or made in it, at the worst moment: nothing else is read or given away.
import fs, {
  chmodSync,
  chownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs"
import { syncBuiltinESMExports } from "node:module"
import { join } from "node:path"
import { afterAll, afterEach, beforeAll, expect, test } from "vitest"
import { applyChanges } from "../../../src/sandbox/workspace/apply.ts"
import { copyTree } from "../../../src/sandbox/workspace/copy.ts"
import { giveBack } from "../../../src/sandbox/workspace/git-objects.ts"
import { haveSameContents } from "../../../src/sandbox/workspace/held.ts"
import { planOverlays } from "../../../src/sandbox/workspace/overlays.ts"
import type { WorkspaceState } from "../../../src/sandbox/workspace/state.ts"
import type { WorkspaceChange } from "../../../src/sandbox/workspace/types.ts"
import { nothingFound } from "../../../src/sandbox/workspace/walk.ts"
import { temporaryDirectory } from "../../context.ts"
import { needRoot } from "./make.ts"

/** What somebody does once a call of the file system was answered, the `nth` time. */
const attack = { after: "", nth: 1, work: () => {} }
const WATCHED = [
  "readdirSync",
  "lstatSync",
  "openSync",
  "fstatSync",
  "copyFileSync",
  "mkdirSync",
  "symlinkSync",
] as const
const real = Object.fromEntries(WATCHED.map((name) => [name, fs[name] as (...args: unknown[]) => unknown]))
beforeAll(() => {
  const watching =
    (name: string) =>
    (...args: unknown[]) => {
      const answer = real[name]!(...args)
      if (attack.after === name && --attack.nth === 0) {
        attack.after = ""
        attack.work()
      }
      return answer
    }
  Object.assign(fs, Object.fromEntries(WATCHED.map((name) => [name, watching(name)])))
  syncBuiltinESMExports()
})
afterEach(() => {
  attack.after = ""
})
afterAll(() => {
  Object.assign(fs, real)
  syncBuiltinESMExports()
})

/** Acts while somebody attacks after the `nth` call; whether that came. */
function isAttacked(call: string, nth: number, work: () => void, act: () => void): boolean {
  Object.assign(attack, { after: call, nth, work })
  act()
  const came = attack.after === ""
  attack.after = ""
  return came
}

/** Acts while somebody attacks after the first call, which has to come. */
function after(call: (typeof WATCHED)[number], work: () => void, act: () => void): void {
  expect([call, isAttacked(call, 1, work, act)]).toEqual([call, true])
}

/** Makes something anew and attacks what acts on it, after each such call; at least one has to come. */
function afterEvery(
  call: (typeof WATCHED)[number],
  make: () => { work: () => void; act: () => void; check: () => void },
) {
  for (let nth = 1; ; nth++) {
    const { work, act, check } = make()
    const came = isAttacked(call, nth, work, act)
    if (!came) {
      expect([call, nth]).not.toEqual([call, 1])
      return
    }
    check()
  }
}

const OWNER = 1234

const textOf = (path: string) => {
  const isFile = lstatSync(path, { throwIfNoEntry: false })?.isFile()
  return isFile ? readFileSync(path, "utf8") : "none"
}

test("a directory that becomes a link while it is copied is copied as it was, or left out", () => {
  const elsewhere = temporaryDirectory({ "key.txt": "private", "deep/key.txt": "private" })
  for (const call of ["readdirSync", "mkdirSync", "openSync", "fstatSync", "copyFileSync"] as const)
    afterEvery(call, () => {
      const root = temporaryDirectory({ "sub/key.txt": "mine", "sub/deep/key.txt": "mine" })
      const tree = temporaryDirectory()
      const work = () => {
        renameSync(join(root, "sub"), join(temporaryDirectory(), "aside"))
        symlinkSync(elsewhere, join(root, "sub"))
      }
      // Either as the link that it is by then, or without what is in it, or with what was.
      const check = () => {
        const isLink = lstatSync(join(tree, "sub"), { throwIfNoEntry: false })?.isSymbolicLink()
        for (const path of ["sub/key.txt", "sub/deep/key.txt"])
          expect(isLink ? "none" : textOf(join(tree, path))).toMatch(/^(none|mine)$/)
      }
      return { work, act: () => copyTree(root, tree, new Set()), check }
    })
  // While it is held.
  const root = temporaryDirectory({ "key.txt": "mine" })
  const tree = temporaryDirectory()
  const work = () => {
    renameSync(root, `${root}-aside`)
    symlinkSync(elsewhere, root)
  }
  after("readdirSync", work, () => copyTree(root, tree, new Set()))
  rmSync(root)
  renameSync(`${root}-aside`, root)
  expect(readFileSync(join(tree, "key.txt"), "utf8")).toBe("mine")
})

test("a file that becomes a link while it is copied is left out, or copied as it was", () => {
  const elsewhere = temporaryDirectory({ "key.txt": "private" })
  const seen = new Set<string>()
  for (const call of ["readdirSync", "openSync", "fstatSync", "copyFileSync"] as const)
    afterEvery(call, () => {
      const root = temporaryDirectory({ "key.txt": "mine" })
      const tree = temporaryDirectory()
      const work = () => {
        rmSync(join(root, "key.txt"))
        symlinkSync(join(elsewhere, "key.txt"), join(root, "key.txt"))
      }
      const check = () => {
        const text = textOf(join(tree, "key.txt"))
        expect(text).toMatch(/^(none|mine)$/)
        seen.add(text)
      }
      return { work, act: () => copyTree(root, tree, new Set()), check }
    })
  expect([...seen].sort()).toEqual(["mine", "none"])
})

test("two files of which the second cannot be opened leave nothing open", () => {
  const root = temporaryDirectory({ "a.txt": "one", "b.txt": "one" })
  const [a, b] = [join(root, "a.txt"), join(root, "b.txt")]
  const opened = () => readdirSync("/dev/fd").length
  const before = opened()
  for (let times = 0; times < 20; times++)
    expect(() => haveSameContents(a, join(root, "x".repeat(300)))).toThrow("ENAMETOOLONG")
  expect(haveSameContents(a, b)).toBe(true)
  expect(opened()).toBeLessThan(before + 20)
})

test("a copy keeps contents, modes and times", () => {
  const root = temporaryDirectory({ "bin/run.sh": "echo\n", empty: "" })
  chmodSync(join(root, "bin/run.sh"), 0o755)
  symlinkSync("bin/run.sh", join(root, "link"))
  const tree = temporaryDirectory()
  const { copied } = copyTree(root, tree, new Set())
  expect(Object.keys(copied).sort()).toEqual(["bin", "bin/run.sh", "empty", "link"])
  expect(readFileSync(join(tree, "link"), "utf8")).toBe("echo\n")
  const [was, is] = [root, tree].map((one) => lstatSync(join(one, "bin/run.sh")))
  expect([is!.mode, Math.trunc(is!.mtimeMs)]).toEqual([was!.mode, Math.trunc(was!.mtimeMs)])
})

/** A workspace of somebody's, with something private of root's in it, and what root applies to it from a copy. */
function applied(
  kind: WorkspaceChange["kind"],
  call: (typeof WATCHED)[number],
  exchange: (fresh: string, root: string) => void,
) {
  const root = temporaryDirectory({ "private/key.txt": "root's" })
  chmodSync(join(root, "private"), 0o700)
  chmodSync(join(root, "private/key.txt"), 0o600)
  const tree = temporaryDirectory()
  if (kind === "file") writeFileSync(join(tree, "new"), "new\n")
  if (kind === "link") symlinkSync("other", join(tree, "new"))
  if (kind === "directory") mkdirSync(join(tree, "new"))
  lchown(root)
  const state: WorkspaceState = {
    ...{ schema: "nanoguard.workspace-state/1", mode: "copy", root, run: "run-000000000001" },
    ...{ working: [], manifests: [], links: [], repositories: {}, hidden: [], copied: {} },
  }
  const work = () => {
    const fresh = readdirSync(root).find((name) => name.startsWith(".nanoguard-") || name === "new")!
    exchange(join(root, fresh), root)
  }
  after(call, work, () => applyChanges(state, tree, [{ path: "new", change: "added", kind, size: 0, mode: 0o666 }]))
  return (path: string) => {
    const { mode, uid } = lstatSync(join(root, path))
    return [(mode & 0o777).toString(8), uid]
  }
}

const lchown = (path: string) => chownSync(path, OWNER, OWNER)

test("what root applies gives nothing else away where its file is exchanged for a link", (it) => {
  needRoot(it)
  const look = applied("file", "copyFileSync", (fresh, root) => {
    rmSync(fresh)
    symlinkSync(join(root, "private/key.txt"), fresh)
  })
  expect(look("private/key.txt")).toEqual(["600", 0])
})

test("nor where its link is exchanged for another name of a file of root's", (it) => {
  needRoot(it)
  const look = applied("link", "symlinkSync", (fresh, root) => {
    rmSync(fresh)
    linkSync(join(root, "private/key.txt"), fresh)
  })
  expect(look("private/key.txt")).toEqual(["600", 0])
})

test("nor where its directory, or a mount point, is exchanged for one of root's", (it) => {
  needRoot(it)
  const exchange = (fresh: string, root: string) => {
    rmSync(fresh, { recursive: true })
    renameSync(join(root, "private"), fresh)
  }
  expect(applied("directory", "mkdirSync", exchange)("new")).toEqual(["700", 0])

  const root = temporaryDirectory({ "private/key.txt": "root's", ".git/HEAD": "" })
  const plan = () =>
    planOverlays({
      ...{ root, found: nothingFound(), protect: [], included: [], named: [], others: [] },
      ...{ user: { uid: OWNER, gid: OWNER }, claim: () => {} },
    })
  const work = () => exchange(join(root, ".vscode"), root)
  after("mkdirSync", work, () => expect(plan).toThrow("something else is there"))
  expect(lstatSync(join(root, ".vscode")).uid).toBe(0)
})

/** A repository of somebody's, in which root wrote an object. */
function written(): { root: string; objects: string; fresh: string } {
  const root = temporaryDirectory({ "objects/aa/fresh": "root's", "objects/info/packs": "" })
  const objects = join(root, "objects")
  for (const path of ["", "objects", "objects/info", "objects/info/packs"]) lchown(join(root, path))
  return { root, objects, fresh: join(objects, "aa/fresh") }
}

const ownerOf = (path: string) => lstatSync(path).uid

test("what root wrote into a repository is given back, and no link nor another name of a file of root's", (it) => {
  needRoot(it)
  const elsewhere = temporaryDirectory({ "key.txt": "root's" })
  const { root, objects, fresh } = written()
  linkSync(join(elsewhere, "key.txt"), join(objects, "name"))
  symlinkSync(elsewhere, join(objects, "link"))
  giveBack(root)
  expect([fresh, join(objects, "aa")].map(ownerOf)).toEqual([OWNER, OWNER])
  expect([join(elsewhere, "key.txt"), elsewhere, join(objects, "link")].map(ownerOf)).toEqual([0, 0, 0])
})

test("nor what a directory or file leads to that becomes a link while root gives back", (it) => {
  needRoot(it)
  for (const call of ["readdirSync", "lstatSync", "openSync", "fstatSync"] as const)
    for (const name of ["objects", "objects/aa", "objects/aa/fresh"])
      afterEvery(call, () => {
        const elsewhere = temporaryDirectory({ "aa/fresh": "root's", fresh: "root's" })
        const { root } = written()
        const work = () => {
          renameSync(join(root, name), `${root}-aside`)
          symlinkSync(name.endsWith("fresh") ? join(elsewhere, "fresh") : elsewhere, join(root, name))
        }
        const check = () => {
          expect(["", "aa", "aa/fresh", "fresh"].map((path) => ownerOf(join(elsewhere, path)))).toEqual([0, 0, 0, 0])
          rmSync(`${root}-aside`, { recursive: true })
        }
        return { work, act: () => giveBack(root), check }
      })
})
