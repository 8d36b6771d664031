// Who looks at the names of a workspace now: starts and ends of boxes, reviews. One file each below the state directory, by which they keep
// out of each other's way; what a process left that is gone counts for nothing.
import { randomBytes } from "node:crypto"
import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import type { Context } from "../../context.ts"
import { stateHome } from "../../home.ts"
import { prepareDirectory } from "../../store/sqlite/files.ts"
import { isOwner, isWaiting, keepFresh, type Owner, ownIdentity } from "../owner.ts"
import { isWithin } from "../workspace/places.ts"
import { NeighbourBusy } from "./busy.ts"

export interface Wanted {
  /** Real paths of the host whose names are looked at. */
  places: readonly string[]
  /** Nobody else may look meanwhile: what writes there runs at the end of it, or something is made and removed there. */
  alone: boolean
}

interface Claim extends Wanted {
  name: string
  owner: Owner
  /** It waits, or it looks. */
  stage: "wants" | "has"
}

/** Milliseconds between two tries; a little more each time, so that two do not go on meeting. */
const PAUSE = 10

const NAME = /^([0-9a-z]+-[0-9a-f]{12})\.(wants|has)$/

/** Whether one of `some` is, contains or lies in one of `others`. */
export function overlap(some: readonly string[], others: readonly string[]): boolean {
  return some.some((one) => others.some((other) => isWithin(one, other) || isWithin(other, one)))
}

/**
 * Waits, at most `patience` milliseconds, until nobody else looks at these places who would be disturbed. Answers with what ends it.
 * Errors: environment (somebody else is at it for too long), and the reason of `interrupted`.
 */
export async function claimPlaces(
  ctx: Pick<Context, "env">,
  wanted: Wanted,
  patience: number,
  interrupted?: AbortSignal,
): Promise<{ name: string; release: () => void }> {
  const directory = directoryOf(ctx)
  // The time first: whoever came first goes first.
  const name = `${Date.now().toString(36).padStart(9, "0")}-${randomBytes(6).toString("hex")}`
  const text = JSON.stringify({ ...wanted, owner: ownIdentity() })
  const put = (stage: Claim["stage"]) => {
    // Whole from the moment that it has its name.
    writeFileSync(join(directory, `${name}.new`), text, { mode: 0o600 })
    renameSync(join(directory, `${name}.new`), join(directory, `${name}.${stage}`))
  }
  const take = (stage: Claim["stage"]) => rmSync(join(directory, `${name}.${stage}`), { force: true })
  const stopRenewing = keepFresh([join(directory, `${name}.has`), join(directory, `${name}.wants`)])
  const release = () => {
    stopRenewing()
    take("has")
    take("wants")
  }
  const end = performance.now() + patience
  try {
    put("wants")
    for (let tries = 0; ; tries++) {
      const before = readOthers(directory, name, wanted).find((one) => one.stage === "has" || one.name < name)
      if (before === undefined) {
        put("has")
        // Of two that get here at once the later one sees the other, for each has said so before it looks.
        const other = readOthers(directory, name, wanted).find(({ stage }) => stage === "has")
        if (other === undefined) return { name, release }
        take("has")
      }
      interrupted?.throwIfAborted()
      if (performance.now() > end) throw tooLong(before)
      await sleep(PAUSE + Math.random() * Math.min(tries, 20))
    }
  } catch (error) {
    release()
    throw error
  }
}

function directoryOf(ctx: Pick<Context, "env">): string {
  const state = stateHome(ctx)
  const directory = join(state, "looks")
  prepareDirectory(state)
  prepareDirectory(directory)
  return directory
}

/** Those that cannot look at the same time as `name`. */
function readOthers(directory: string, name: string, wanted: Wanted): Claim[] {
  return readdirSync(directory).flatMap((file): Claim[] => {
    const [, other = "", stage = ""] = NAME.exec(file) ?? []
    if (other === "" || other === name) return []
    const claim = readClaim(join(directory, file), other, stage as Claim["stage"])
    if (claim === undefined || !(claim.alone || wanted.alone)) return []
    return overlap(claim.places, wanted.places) ? [claim] : []
  })
}

/** Undefined where it is over, also where its process is gone: then it is removed. */
function readClaim(file: string, name: string, stage: Claim["stage"]): Claim | undefined {
  let claim: Claim
  try {
    claim = { ...(JSON.parse(readFileSync(file, "utf8")) as Wanted & Pick<Claim, "owner">), name, stage }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined
    // A power cut may leave an empty one, whose process is gone as well.
    if (!(error instanceof SyntaxError)) throw error
    rmSync(file, { force: true })
    return undefined
  }
  if (isHeld(claim.owner, file)) return claim
  rmSync(file, { force: true })
  return undefined
}

function isHeld(owner: unknown, file: string): boolean {
  try {
    return isOwner(owner) && isWaiting(owner, file)
  } catch (error) {
    // Given back meanwhile. Whatever else it is, somebody may look there.
    return (error as NodeJS.ErrnoException).code !== "ENOENT"
  }
}

function tooLong(other: Claim | undefined): NeighbourBusy {
  const who = other === undefined ? "" : ` (process ${other.owner.pid})`
  return new NeighbourBusy(
    `another box of this directory is being started or ended${who}, for too long`,
    "wait until it is done, or end it: see nanoguard ps",
  )
}
