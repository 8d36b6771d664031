// `sandbox.mounts`: what else of the host the policy lets into the box.
import { closeSync, constants, fstatSync, lstatSync, openSync, readdirSync, statSync } from "node:fs"
import { isAbsolute, join, normalize, resolve } from "node:path"
import type { Context } from "../../context.ts"
import { homeDirectory, stateHome } from "../../home.ts"
import type { CompiledPolicy } from "../../policy/compiled.ts"
import { decide } from "../../policy/decide.ts"
import type { MountAction, Verdict } from "../../policy/types.ts"
import { type BoxMount, IN_BOX } from "../types.ts"
import { namesIn, unlessBarred } from "./below.ts"
import { isWithin, type Place, privatePlaces, realPath } from "./places.ts"
import { movedSecrets, rememberMasked } from "./remembered.ts"
import type { MountDecision, Note } from "./types.ts"
import { walkWorkspace } from "./walk.ts"

export interface FurtherMounts {
  mounts: BoxMount[]
  decisions: MountDecision[]
  notes: Note[]
}

// Where the box has its own: a mount over it would replace programs, settings or devices.
const TAKEN = [
  "/proc",
  "/sys",
  "/dev",
  "/run",
  "/etc",
  "/usr",
  "/bin",
  "/sbin",
  "/lib",
  "/lib64",
  "/tmp",
  "/var",
  "/boot",
]

/**
 * Decides every mount of the policy. Refused whatever the policy says: private places and what contains one, what is a socket or
 * device, and what lies in a directory that this box can write (its source could be exchanged for a link before it is mounted).
 */
export function furtherMounts(ctx: Context, policy: CompiledPolicy, workspace: string): FurtherMounts {
  const result: FurtherMounts = { mounts: [], decisions: [], notes: [] }
  const wanted = policy.sandbox.mounts ?? []
  const places = privatePlaces(ctx)
  const home = homeDirectory(ctx.env)
  const writable = wanted.flatMap(({ path, write }) => (write === true ? (realPath(expand(path, home)) ?? []) : []))
  for (const mount of wanted) {
    const source = expand(mount.path, home)
    const target = normalize(mount.target ?? source).replace(/(.)\/+$/, "$1")
    const write = mount.write === true
    const real = realPath(source)
    const action: MountAction = { kind: "mount", path: real ?? source, write }
    const verdict = decide(policy, action, { now: ctx.now() })
    const why =
      refusal(source, real, target, [workspace, ...writable.filter((path) => path !== real)], places) ??
      verdictRefusal(action, verdict) ??
      nestedRefusal(ctx, policy, real!, write)
    result.decisions.push({ action, target, verdict, mounted: why === undefined })
    if (why !== undefined)
      result.notes.push({ level: "warning", kind: "refused", text: `not mounted: ${why}`, paths: [source] })
    else {
      result.mounts.push(
        { kind: "bind", source: real!, target, write },
        ...maskNested(stateHome(ctx), real!, target, policy, result.notes),
      )
      result.notes.push({
        level: "info",
        kind: "mount",
        text: write ? "mounted, writable" : "mounted, read-only",
        paths: [real!],
      })
    }
  }
  return result
}

const expand = (path: string, home: string) =>
  path === "~" || path.startsWith("~/") ? join(home, path.slice(1)) : path

function refusal(
  source: string,
  real: string | undefined,
  target: string,
  writable: readonly string[],
  places: readonly Place[],
) {
  if (!isAbsolute(source)) return "its path is not absolute"
  if (real === undefined) return "there is nothing there"
  if (resolve(source) !== real) return `a link leads to ${real}: name that path in the policy`
  if (real === "/") return "it is the whole machine"
  const holder = writable.find((path) => isWithin(real, path))
  if (holder !== undefined)
    return "it lies in a directory that the box can write, and could be exchanged for something else"
  const place = places.find(
    ({ path }) => isWithin(real, path) || (isWithin(path, real) && lstatSync(path, { throwIfNoEntry: false })),
  )
  if (place !== undefined) return `${place.path} is ${place.what}, and is never mounted`
  if (!isAbsolute(target) || target === "/" || /[\0-\x1f\x7f,:]/.test(target + real))
    return "its path cannot be mounted"
  const taken = [...TAKEN, IN_BOX.workspace, IN_BOX.nanoguard].find(
    (path) => isWithin(target, path) || isWithin(path, target),
  )
  if (taken !== undefined || isWithin(IN_BOX.home, target))
    return `the box has its own ${taken ?? IN_BOX.home}: give it another target`
  return kindRefusal(real)
}

/** Opened without following links, and compared with what the name leads to: the two are the same thing. */
function kindRefusal(real: string): string | undefined {
  let fd: number | undefined
  try {
    fd = openSync(real, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0))
    const opened = fstatSync(fd)
    if (!opened.isFile() && !opened.isDirectory()) return "it is no file and no directory"
    const named = statSync(real)
    if (named.ino !== opened.ino || named.dev !== opened.dev || realPath(real) !== real)
      return "it changed while it was looked at"
    if (opened.isDirectory() && readdirSync(real, { withFileTypes: true }).some((entry) => entry.isSocket()))
      return "there are sockets in it: what listens on them works outside of the box"
    return undefined
  } catch {
    return "it cannot be read"
  } finally {
    if (fd !== undefined) closeSync(fd)
  }
}

function verdictRefusal(action: MountAction, verdict: Verdict): string | undefined {
  if (verdict.effect === "allow" || verdict.mode === "observe") return undefined
  const line = `{ id: mine, allow: ${action.path}${action.write ? ", write: true" : ""} }`
  const way = `a line under mounts of the policy lets it in: ${line}, then nanoguard policy adopt`
  return verdict.effect === "ask"
    ? `a person has to say so (${verdict.rule}); ${way}`
    : `${verdict.reason} (${verdict.rule})`
}

/** A pattern such as `**\/.ssh/**` speaks of what lies in a directory; a mount of the directory has it in it. */
function nestedRefusal(ctx: Context, policy: CompiledPolicy, real: string, write: boolean): string | undefined {
  const rules = policy.mounts.rules.filter(({ effect }) => effect !== "allow")
  if (rules.length === 0 || !statSync(real).isDirectory()) return undefined
  const nested = listNested(real)
  if (nested.length >= MAX_NESTED) return "it has more in it than can be held against the policy"
  for (const path of nested) {
    // What no pattern can spell is compared with a stand-in, or every rule would be met.
    const spelled = path.replace(/[\x00-\x20\x7f\\;%]/g, "_")
    const verdict = decide(policy, { kind: "mount", path: spelled, write }, { now: ctx.now() })
    const stopped = verdict.effect !== "allow" && rules.some(({ label }) => label === verdict.rule)
    if (stopped && verdict.mode !== "observe")
      return `${path} lies in it, which the policy does not let in (${verdict.rule})`
  }
  return undefined
}

const MAX_NESTED = 200_000

function listNested(root: string): string[] {
  const paths: string[] = []
  for (let at = -1; at < paths.length && paths.length < MAX_NESTED; at++) {
    const directory = at < 0 ? root : paths[at]!
    // What rights bar us from is masked in the box (`maskNested`).
    for (const name of unlessBarred(() => namesIn(directory)) ?? []) paths.push(join(directory, name))
  }
  return paths
}

function maskNested(state: string, real: string, target: string, policy: CompiledPolicy, notes: Note[]): BoxMount[] {
  if (!statSync(real).isDirectory()) return []
  const options = { isMount: true, wasMasked: movedSecrets(state) }
  const { masked, channels, unseen } = walkWorkspace(real, policy.sandbox.mask ?? [], [], options)
  rememberMasked(state, real, masked)
  if (masked.length > 0)
    notes.push({
      level: "info",
      kind: "masked",
      text: "secrets in a mount: empty in the box",
      paths: masked.map(({ path }) => join(real, path)),
    })
  if (unseen.length > 0)
    notes.push({
      level: "warning",
      kind: "bound",
      text: "too large to be searched for secrets whole",
      paths: unseen.map((path) => join(real, path)),
    })
  const files = channels.map((path) => ({ path, directory: false }))
  return [...masked, ...files].map(({ path, directory }) => ({ kind: "mask", target: `${target}/${path}`, directory }))
}
