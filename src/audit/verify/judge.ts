// Which record is the first bad one, from what differs and which signed roots still fit.
import type { SignedRoot } from "./checkpoints.ts"
import type { Facts } from "./facts.ts"
import type { Problem, Problems } from "./report.ts"
import type { Difference, ScanResult } from "./scan.ts"
import type { HashedTree } from "./tree.ts"

interface Evidence {
  facts: Facts
  tree: HashedTree
  /** In the order of the records. */
  differences: readonly Difference[]
  /** Those of the store itself, signed by the log's key, by size. */
  checkpoints: readonly SignedRoot[]
  /** First record without a stored hash. */
  untiled: number | undefined
  /** Archived records without body and hash. */
  unknown: ScanResult["unknown"]
}

/**
 * Names what is wrong with the log. A body that differs from its leaf is bad, unless a signed root further on still fits the bodies:
 * then it is the stored tree that was changed. Where bodies and tree agree with one another and not with a signed root, the
 * bad record is between the last root that fits and the first that does not. A root over records of which nothing is left here
 * can be held against nothing: that they are gone is a problem of its own, so that nobody hides a change by removing them.
 */
export function judgeLog(
  { facts, tree, differences, checkpoints, untiled, unknown }: Evidence,
  problems: Problems,
): void {
  const { records, derived } = facts
  const fits = ({ size, root }: SignedRoot) => {
    const own = size <= records ? tree.rootAt(size) : undefined
    return own !== undefined && Buffer.compare(own, root) === 0
  }
  const good = checkpoints.findLast(fits)?.size ?? 0
  const bad = checkpoints.filter(({ size, ...rest }) => size <= records && tree.knows(size) && !fits({ size, ...rest }))
  const signed = checkpoints.at(-1)?.size ?? 0
  for (const difference of differences) problems.add(nameDifference(difference, good, signed))

  const branched = bad.find(({ size }) => size < good)
  if (branched) {
    const what = `the checkpoint of ${branched.size} records is signed for another tree, and later ones fit: there were two of this log`
    problems.add({ code: "checkpoint.branch", seq: branched.size, what })
  }
  const broken = bad.find(({ size }) => size > good)
  if (broken && !differences.some(({ seq }) => seq > good && seq <= broken.size)) {
    const what = `records ${good + 1} to ${broken.size} are not those that the checkpoint of ${broken.size} signs, and the tree was made to fit them`
    problems.add({ code: "log.rewritten", seq: good + 1, to: broken.size, what })
  }
  const known = Math.max(signed, derived)
  if (known > records) {
    const witness = signed > records ? `a checkpoint of ${signed} records is signed` : `the tree has ${derived}`
    const what = `the log ends with record ${records}, and ${witness}: the last ones were removed`
    problems.add({ code: "log.cut", seq: records + 1, to: known, what })
  }
  if (untiled !== undefined && untiled <= records && untiled > 0) {
    const what = `the stored tree has no hash for record ${untiled}, and should`
    problems.add({ code: "tree.damaged", seq: untiled, what })
  }
  if (facts.strange > 0) {
    const what = `${facts.strange} rows of the log have a number that no record can have`
    problems.add({ code: "record.inserted", what })
  }
  if (unknown) problems.add(nameUnknown(unknown))
}

function nameUnknown({ from, to }: { from: number; to: number }): Problem {
  const records = to > from ? `records ${from} to ${to} are` : `record ${from} is`
  const what = `${records} archived, and the index that had their hashes is lost: nothing signed that covers them can be compared (run \`nanoguard store derive --archive <directory>\`, or verify with --archive)`
  return { code: "tree.missing", seq: from, ...(to > from && { to }), what }
}

/** `good`: how many records a signed root vouches for; `signed`: how many are under any checkpoint. */
function nameDifference({ seq, to, kind, from }: Difference, good: number, signed: number): Problem {
  const range = { seq, ...(to > seq && { to }) }
  const records = to > seq ? `records ${seq} to ${to}` : `record ${seq}`
  if (kind === "missing") return { code: "record.missing", ...range, what: `${records}: missing` }
  if (seq <= good) {
    const what = `${records}: the stored tree has another hash, and the body is the one that was signed`
    return { code: "tree.damaged", ...range, what }
  }
  if (kind === "removed") {
    const what = `record ${seq} was removed: what followed it has moved up`
    return { code: "record.missing", ...range, what }
  }
  if (kind === "inserted") {
    return { code: "record.inserted", ...range, what: `record ${seq} was inserted: what was in its place follows it` }
  }
  if (kind === "moved") return { code: "record.moved", seq, what: `record ${seq} holds the body of record ${from}` }
  const doubt = seq > signed ? " (or that hash was changed: no checkpoint says which)" : ""
  return {
    code: "record.altered",
    ...range,
    what: `${records}: not the body that was hashed when it was written${doubt}`,
  }
}
