// What outside places hold of this log: read before the log is, so that a log that goes on meanwhile is never behind them.
import { NanoguardError } from "../../errors.ts"
import { countOf } from "../../render/clean.ts"
import type { Verifier } from "../checkpoints/note.ts"
import type { Anchor } from "../types.ts"
import { checkNote, type SignedRoot } from "./checkpoints.ts"
import type { Facts } from "./facts.ts"
import type { AnchorReport, Problems, Unchecked } from "./report.ts"
import type { HashedTree } from "./tree.ts"

export interface AnchorReading {
  anchor: Anchor
  roots: SignedRoot[]
  /** Why it could not be read. */
  unreachable: string | undefined
}

/** Reads every checkpoint of the log in every place; a place that cannot be read says so instead. */
export async function readAnchors(
  anchors: readonly Anchor[],
  origin: string,
  keys: readonly Verifier[],
  problems: Problems,
): Promise<AnchorReading[]> {
  return Promise.all(
    anchors.map(async (anchor): Promise<AnchorReading> => {
      try {
        const roots: SignedRoot[] = []
        // What a stranger added there hides nothing of the rest.
        const onBad = ({ message }: NanoguardError) => problems.add({ code: "anchor.malformed", what: message })
        for (const { size, note } of await anchor.read(origin, false, onBad)) {
          const checked = checkNote(note, origin, keys)
          if ("problem" in checked) {
            const what = `${anchor.name} has a checkpoint of ${size} records that is not this log's: ${checked.problem}`
            problems.add({
              code: "anchor.malformed",
              seq: size,
              what: `${what} (a stranger wrote it, or the log here is another one)`,
            })
          } else roots.push({ ...checked, anchor: anchor.name })
        }
        return { anchor, roots: roots.sort((a, b) => a.size - b.size), unreachable: undefined }
      } catch (error) {
        if (!(error instanceof NanoguardError)) throw error
        return { anchor, roots: [], unreachable: error.hint ? `${error.message}: ${error.hint}` : error.message }
      }
    }),
  )
}

/** Compares what each place holds with the hashed log, and says since when the log is not anchored. */
export function compareAnchors(
  readings: readonly AnchorReading[],
  tree: HashedTree,
  { origin, records }: Pick<Facts, "origin" | "records">,
  problems: Problems,
): { reports: AnchorReport[]; unchecked: Unchecked[] } {
  const reports = readings.map((reading) => compareAnchor(reading, tree, records, problems))
  const unchecked: Unchecked[] = readings
    .filter(({ unreachable }) => unreachable !== undefined)
    .map(({ anchor, unreachable }) => ({
      code: "anchor.unreachable",
      // Most errors of a place name it already.
      what: unreachable!.includes(anchor.name) ? unreachable! : `${anchor.name} cannot be read: ${unreachable}`,
    }))
  for (const { anchor, roots } of readings) {
    const unknown = roots.filter(({ size }) => size <= records && !tree.knows(size))
    if (unknown.length === 0) continue
    const what = `${anchor.name}: ${countOf(unknown.length, "checkpoint")} could be compared with nothing, for hashes of archived records are gone`
    unchecked.push({ code: "anchor.unchecked", from: unknown[0]!.size, to: unknown.at(-1)!.size, what })
  }
  const anchored = Math.max(0, ...reports.map(({ newest }) => newest))
  if (readings.length === 0) {
    const what = "no anchor is configured: whoever has root on this host could have rewritten all of it"
    unchecked.push({ code: "anchor.none", what })
  } else if (anchored < records && !unchecked.some(({ code }) => code === "anchor.unchecked")) {
    const what =
      anchored === 0
        ? `not anchored at all: no place knows a log named ${origin}`
        : `not anchored since seq ${anchored + 1}`
    unchecked.push({ code: "anchor.behind", from: anchored + 1, to: records, what })
  }
  return { reports, unchecked }
}

function compareAnchor(
  { anchor, roots, unreachable }: AnchorReading,
  tree: HashedTree,
  records: number,
  problems: Problems,
): AnchorReport {
  const { name } = anchor
  if (unreachable !== undefined) return { name, checkpoints: 0, newest: 0, state: "unreachable" }
  let newest = 0
  let branch = false
  const comparable = roots.filter(({ size }) => size > records || tree.knows(size))
  for (const { size, root } of comparable) {
    const own = size <= records ? tree.rootAt(size) : undefined
    if (own && Buffer.compare(own, root) === 0) {
      newest = size
      continue
    }
    if (!branch) {
      const missing = size > records
      const from = missing ? records + 1 : newest + 1
      const what = missing
        ? `${name} holds a checkpoint of ${size} records, and the log ends with ${records}: the rest was removed (or this is an older copy)`
        : `${name} holds another tree of ${size} records: the log was rewritten between ${from} and ${size}, or there are two of it`
      problems.add({ code: "anchor.branch", seq: from, to: size, what })
    }
    branch = true
  }
  const fits = newest > 0 ? "consistent" : roots.length > 0 ? "unchecked" : "empty"
  return { name, checkpoints: comparable.length, newest, state: branch ? "branch" : fits }
}
