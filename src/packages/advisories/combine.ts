// What was imported and what ships with nanoguard, searched as one.
import type { Advisory, Severity } from "../../policy/types.ts"
import type { AdvisoryIndex, AffectedBy, PackageRecord } from "./types.ts"

const idsOf = ({ id, aliases }: Pick<Advisory, "id" | "aliases">) => [id, ...aliases]

const RANK: Readonly<Record<Severity, number>> = { low: 1, medium: 2, high: 3, critical: 4 }

/** An advisory with the highest rating that it or another record of the same issue states: one of the two may be old. */
function rateByAll(advisory: Advisory, others: readonly Advisory[]): Advisory {
  const ids = new Set(idsOf(advisory))
  let { severity, cvss } = advisory
  for (const other of others) {
    if (!idsOf(other).some((id) => ids.has(id))) continue
    if (other.severity && (!severity || RANK[other.severity] > RANK[severity])) severity = other.severity
    if (other.cvss !== undefined && !(cvss !== undefined && cvss >= other.cvss)) cvss = other.cvss
  }
  if (severity === advisory.severity && cvss === advisory.cvss) return advisory
  return { ...advisory, ...(severity && { severity }), ...(cvss !== undefined && { cvss }) }
}

/** `list` and those of `more` that it does not have under any of their names; where both have one, the graver rating counts. */
export function unite(list: AffectedBy, more: AffectedBy): AffectedBy {
  if (more.length === 0 && !more.invalid) return list
  const known = new Set(list.flatMap(idsOf))
  // An issue that one side calls malware stays malware, whatever the other calls it.
  const malware = new Set(list.filter(({ kind }) => kind === "malware").flatMap(idsOf))
  const added = more.filter(
    (advisory) => !idsOf(advisory).some((id) => (advisory.kind === "malware" ? malware : known).has(id)),
  )
  const rated = list.map((advisory) => rateByAll(advisory, more))
  const all: Advisory[] & { invalid?: true } = [...rated, ...added].sort(
    (a, b) => Number(b.kind === "malware") - Number(a.kind === "malware"),
  )
  if (list.invalid || more.invalid) all.invalid = true
  return all
}

/**
 * An imported index over the snapshot. Where the import is complete it wins, and the snapshot adds only its malware:
 * known malware stays known, unless the import says that it was withdrawn. Elsewhere both count. Closing closes both.
 */
export function combineIndexes(imported: AdvisoryIndex, snapshot: AdvisoryIndex): AdvisoryIndex {
  const { info } = imported
  const completeness = (ecosystem: string) =>
    imported.covers(ecosystem) ? imported.completeness(ecosystem) : snapshot.completeness(ecosystem)

  function affecting(ecosystem: string, name: string, version: string): AffectedBy {
    const current = imported.affecting(ecosystem, name, version)
    const old = snapshot.affecting(ecosystem, name, version)
    if (old.length === 0 && !old.invalid) return current
    const withdrawn = new Set(imported.records(ecosystem, name)?.withdrawn)
    const complete = imported.completeness(ecosystem) === "complete"
    const kept: Advisory[] & { invalid?: true } = old.filter(
      (advisory) => !idsOf(advisory).some((id) => withdrawn.has(id)) && (advisory.kind === "malware" || !complete),
    )
    if (old.invalid && !complete) kept.invalid = true
    return unite(current, kept)
  }

  function records(ecosystem: string, name: string): PackageRecord | undefined {
    return imported.records(ecosystem, name) ?? snapshot.records(ecosystem, name)
  }

  return {
    info,
    affecting,
    records,
    completeness,
    covers: (ecosystem) => completeness(ecosystem) !== "none",
    *packages() {
      yield* imported.packages()
      for (const record of snapshot.packages()) {
        if (!imported.records(record.ecosystem, record.name)) yield record
      }
    },
    close() {
      imported.close()
      snapshot.close()
    },
  }
}

/** What npm's bulk endpoint answered, as far as a search of it goes. */
export interface LiveAdvisories {
  affecting: (name: string, version: string) => AffectedBy
}

/**
 * An index with what an npm registry answered just now (`fetchBulk`) about the npm packages that are searched for. Only the
 * public registry is known to have all reviewed advisories of npm (`complete`): a mirror may answer "nothing" to everything.
 */
export function addBulk(index: AdvisoryIndex, live: LiveAdvisories, complete: boolean): AdvisoryIndex {
  return {
    ...index,
    covers: (ecosystem) => (ecosystem === "npm" && complete) || index.covers(ecosystem),
    completeness: (ecosystem) => (ecosystem === "npm" && complete ? "complete" : index.completeness(ecosystem)),
    affecting: (ecosystem, name, version) => {
      const known = index.affecting(ecosystem, name, version)
      return ecosystem === "npm" ? unite(known, live.affecting(name, version)) : known
    },
  }
}
