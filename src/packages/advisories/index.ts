// The advisories that a vet searches. Small on purpose: it is loaded on every run; importing is elsewhere.
import { existsSync } from "node:fs"
import { join } from "node:path"
import type { Context } from "../../context.ts"
import { EXIT, NanoguardError } from "../../errors.ts"
import { dataHome } from "../../home.ts"
import { combineIndexes } from "./combine.ts"
import { openAdvisories } from "./read.ts"
import { findSnapshot, SNAPSHOT_NAME } from "./snapshot.ts"
import type { AdvisoryIndex, IndexInfo } from "./types.ts"

export { openAdvisories } from "./read.ts"
export type { AdvisoryIndex } from "./types.ts"

/** Where `advisories update` puts its index. */
export function importedIndexPath(ctx: Pick<Context, "env">): string {
  return join(dataHome(ctx), SNAPSHOT_NAME)
}

/**
 * The index to search by default: what was imported, over the snapshot that ships with nanoguard. A damaged import is an
 * error and never a reason to search less; so is an installation without its snapshot and without an import.
 */
export function openDefaultAdvisories(ctx: Pick<Context, "env">): AdvisoryIndex {
  const imported = importedIndexPath(ctx)
  const snapshot = findSnapshot()
  if (!existsSync(imported)) {
    if (snapshot !== undefined) return openAdvisories(snapshot)
    throw new NanoguardError("there are no advisories to search: this installation lacks its snapshot", {
      exit: EXIT.environment,
      hint: "run `nanoguard advisories update`, or install nanoguard again",
    })
  }
  const index = openAdvisories(imported)
  if (snapshot === undefined) return index
  try {
    return combineIndexes(index, openAdvisories(snapshot))
  } catch (error) {
    index.close()
    throw error
  }
}

/** What a report says about the index that it searched. */
export interface IndexDescription {
  kind: IndexInfo["kind"]
  records: number
  /** ISO date of the newest data. */
  asOf: string
  ecosystems: string[]
  /** For at least one ecosystem, or one of `wanted`, a miss proves nothing. */
  partial: boolean
}

/** Describes an index, as far as it concerns the wanted ecosystems; all that it covers where none are named. */
export function describeAdvisories(index: AdvisoryIndex, wanted?: Iterable<string>): IndexDescription {
  const ecosystems = ["npm", "pypi", "cargo", "golang"].filter((ecosystem) => index.covers(ecosystem))
  const { kind, records, asOf } = index.info
  const partial = [...(wanted ?? ecosystems)].some((ecosystem) => index.completeness(ecosystem) !== "complete")
  return { kind, records, asOf, ecosystems, partial }
}
