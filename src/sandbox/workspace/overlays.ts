// What lies over parts of the workspace in the box: secrets hidden, list one read-only, also where nothing is there yet.
import { lstatSync } from "node:fs"
import { basename, dirname, join, relative, resolve } from "node:path"
import { EXIT, NanoguardError } from "../../errors.ts"
import { type BoxMount, IN_BOX } from "../types.ts"
import { holdDirectory, makeDirectory } from "./held.ts"
import { settingsWithLogins } from "./logins.ts"
import { NEVER_AT_TOP } from "./names.ts"
import { isPlainWay, isWithin } from "./places.ts"
import type { Note } from "./types.ts"
import type { Found } from "./walk.ts"

interface Overlays {
  mounts: BoxMount[]
  notes: Note[]
}

interface OverlayRequest {
  root: string
  found: Found
  /** Plain paths of the policy's `protect`, there or not. */
  protect: readonly string[]
  /** Values of the repository's settings: what they name in the workspace is run by git on the host. */
  named: readonly string[]
  /** What they include of it: plain files. */
  included: readonly string[]
  user: { uid: number; gid: number }
  /** Mount points of other boxes of this workspace. */
  others: readonly string[]
  /** Called once, with the mount points that this box has, absolute, before those that are not there are made. */
  claim: (points: readonly string[]) => void
}

const inBox = (path: string) => `${IN_BOX.workspace}/${path}`

/** Plans the overlays of a workspace that is mounted itself, and makes their mount points. */
export function planOverlays(request: OverlayRequest): Overlays {
  const { root, found, protect, named, included, others } = request
  const mounts: BoxMount[] = []
  const toMake: string[] = []
  const kept = [
    ...found.protected,
    ...found.repositories,
    ...namedIn(root, named),
    ...included.map((path) => ({ path })),
  ]
  const known = new Set<string>()
  for (const { path } of kept) {
    if (known.has(path)) continue
    known.add(path)
    mounts.push({ kind: "bind", source: join(root, path), target: inBox(path), write: false })
  }
  const missing = [
    ...NEVER_AT_TOP,
    ...protect.filter((path) => !path.includes("*")).map((path) => path.replace(/^\.?\/|\/$/g, "")),
  ]
  for (const path of missing) {
    // Through a link it would be made elsewhere on the host.
    if (known.has(path) || !isPlain(path) || existsOrLink(join(root, path)) || !isPlainWay(join(root, path))) continue
    // A directory also for what would be a file: git does not see an empty one, and no program reads it as settings.
    toMake.push(path)
    known.add(path)
    mounts.push({ kind: "mask", target: inBox(path), directory: true })
  }
  if (!existsOrLink(join(root, ".git"))) toMake.push(".git")
  request.claim([...others.filter((path) => isWithin(path, root)), ...toMake.map((path) => join(root, path))])
  for (const path of toMake) makePoint(join(root, path), request.user)
  const logins = found.repositories.flatMap(({ path, directory }) =>
    directory ? settingsWithLogins(join(root, path)).map((file) => `${path}/${file}`) : [],
  )
  const files = [...found.channels, ...logins].map((path) => ({ path, directory: false }))
  mounts.push(
    ...[...found.masked, ...files].map(
      ({ path, directory }): BoxMount => ({ kind: "mask", target: inBox(path), directory }),
    ),
  )
  return { mounts, notes: notesOf(found, logins) }
}

/** Throws where something is there by now, or its directory was exchanged: never made through a link, and nothing else is given away. */
function makePoint(path: string, user: OverlayRequest["user"]): void {
  const parent = holdDirectory(dirname(path))
  if (parent === undefined)
    throw new NanoguardError("the workspace changed while its box was made", {
      ...{ exit: EXIT.environment, where: { file: path } },
      hint: "start it again",
    })
  try {
    makeDirectory(`${parent.path}/${basename(path)}`, 0o777, user)
  } finally {
    parent.close()
  }
}

const isPlain = (path: string) =>
  path !== "" && !path.split("/").some((part) => part === "" || part === "." || part === "..")

const existsOrLink = (path: string) => lstatSync(path, { throwIfNoEntry: false }) !== undefined

/** A path in a setting, such as core.hooksPath or an included file, that lies in the workspace. */
export function namedIn(root: string, named: readonly string[]): { path: string }[] {
  return named.flatMap((value) =>
    value.split(/[\s'"=:;!]+/).flatMap((word) => {
      const path = /^[\w.@-][\w./@-]*$|^\/[\w./@-]+$/.test(word) ? resolve(root, word) : root
      if (path === root || !isWithin(path, root) || isWithin(path, join(root, ".git"))) return []
      const stats = lstatSync(path, { throwIfNoEntry: false })
      // A plain word may also be the name of a directory by chance; only what looks like a path or holds a program counts.
      if (
        stats === undefined ||
        stats.isSymbolicLink() ||
        !isPlainWay(path) ||
        !(word.includes("/") || word.startsWith(".") || stats.isFile())
      )
        return []
      return [{ path: relative(root, path).replaceAll("\\", "/") }]
    }),
  )
}

function notesOf(found: Found, logins: readonly string[]): Note[] {
  const { masked, channels, links, unseen, shared, repositories, protected: kept } = found
  const notes: Note[] = []
  const add = (note: Note) => notes.push(note)
  const paths = (entries: readonly { path: string }[]) => entries.map(({ path }) => path)
  if (masked.length > 0) add({ level: "info", kind: "masked", text: "secrets: empty in the box", paths: paths(masked) })
  if (logins.length > 0)
    add({ level: "info", kind: "masked", text: "git settings with a key in them: empty in the box", paths: logins })
  if (channels.length > 0)
    add({
      level: "info",
      kind: "masked",
      text: "sockets and pipes, at whose other end the host may be: empty in the box; remove those that nobody uses",
      paths: channels,
    })
  if (kept.length > 0) add({ level: "info", kind: "protected", text: "read-only in the box", paths: paths(kept) })
  if (repositories.length > 0)
    add({
      level: "info",
      kind: "git",
      text: "repositories within the workspace: read-only in the box",
      paths: paths(repositories),
    })
  if (links.length > 0)
    add({
      level: "warning",
      kind: "links",
      text: "links where settings should be: nothing can be mounted over a link, so they are put back at the end; make them files",
      paths: paths(links),
    })
  if (shared !== undefined)
    add({
      level: "warning",
      kind: "links",
      text: "installed files share their content with a store outside (hard links): what the box writes into them changes it there; use --workspace copy",
      paths: [shared],
    })
  if (unseen.length > 0)
    add({
      level: "warning",
      kind: "bound",
      text: "too large to be searched for secrets whole; not looked into",
      paths: unseen,
    })
  return notes
}
