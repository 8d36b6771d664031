// Sources of advisories -> one index file.
import { mkdirSync } from "node:fs"
import { dirname } from "node:path"
import { EXIT, NanoguardError } from "../../errors.ts"
import { parseForeignJson } from "../../foreign-json.ts"
import type { Ecosystem } from "../../policy/types.ts"
import { type InputItem, MAX_ITEMS, MAX_TOTAL_BYTES } from "./input/item.ts"
import { mergePackage } from "./merge.ts"
import type { Finding, Normalized } from "./normalize.ts"
import { normalizeOsv } from "./osv.ts"
import { isReduced, normalizeReduced } from "./reduced.ts"
import { openSpill, type Spill } from "./spill.ts"
import type { Completeness, IndexInfo, PackageRecord, SourceInfo } from "./types.ts"
import { type HashedPackage, writeIndex } from "./write.ts"

/** One source: a name to show, and its records. `directory` is for files it needs on the way; they are removed. */
export interface ImportSource {
  name: string
  read: (directory: string) => AsyncIterable<InputItem>
}

export interface ImportOptions {
  kind: IndexInfo["kind"]
  /** Milliseconds since the epoch. */
  now: number
  /** Take only these; all four where absent. */
  ecosystems?: readonly Ecosystem[]
  /** What the sources are, for the ecosystems they speak of. */
  completeness: Completeness
  /** Packages of an older index that stay, with what was said of their ecosystems. */
  kept?: { info: IndexInfo; packages: Iterable<PackageRecord> }
  onProgress?: (source: string, records: number) => void
}

export interface ImportReport {
  info: IndexInfo
  /** Records that were looked at. */
  read: number
  withdrawn: number
  /** Ranges of commits, which are left out. */
  gitRanges: number
  /** Records for ecosystems that are left out, by name; bounded. */
  otherEcosystems: Record<string, number>
  invalid: { count: number; examples: { where: string; problem: string }[] }
}

const MAX_EXAMPLES = 20
const MAX_OTHER_ECOSYSTEMS = 100

function normalize(text: string): Normalized {
  let record: unknown
  try {
    record = parseForeignJson(text)
  } catch {
    return { invalid: "not JSON" }
  }
  return isReduced(record) ? normalizeReduced(record) : normalizeOsv(record)
}

/** Tallies what is read; everything that is not kept has a number somewhere. */
function newTally(today: string) {
  const other = new Map<string, number>()
  const tally = {
    read: 0,
    bytes: 0,
    withdrawn: 0,
    gitRanges: 0,
    invalid: { count: 0, examples: [] as { where: string; problem: string }[] },
    newest: new Map<Ecosystem, string>(),
    other,
    reject(where: string, problem: string) {
      tally.invalid.count++
      if (tally.invalid.examples.length < MAX_EXAMPLES) tally.invalid.examples.push({ where, problem })
    },
    date(ecosystem: Ecosystem, date: string | undefined) {
      // A date in the future would make old data look fresh.
      if (date === undefined || date > today) return
      if (date > (tally.newest.get(ecosystem) ?? "")) tally.newest.set(ecosystem, date)
    },
    outside(ecosystem: string) {
      const family = ecosystem.split(":")[0]!.slice(0, 60)
      const key = other.has(family) || other.size < MAX_OTHER_ECOSYSTEMS ? family : "others"
      other.set(key, (other.get(key) ?? 0) + 1)
    },
  }
  return tally
}

type Tally = ReturnType<typeof newTally>

async function readSource(
  source: ImportSource,
  options: ImportOptions,
  spill: Spill,
  tally: Tally,
): Promise<SourceInfo> {
  let records = 0
  const ecosystems = new Set<Ecosystem>()
  for await (const item of source.read(spill.directory)) {
    tally.read++
    if (tally.read > MAX_ITEMS || tally.bytes > MAX_TOTAL_BYTES) {
      throw new NanoguardError("the advisories to import are more than nanoguard reads at once", {
        exit: EXIT.environment,
        hint: "import fewer sources or fewer ecosystems",
      })
    }
    if (item.problem !== undefined) {
      tally.reject(item.where, item.problem)
      continue
    }
    tally.bytes += item.text.length
    const { findings = [], invalid, date, otherEcosystems = [], gitRanges = 0 } = normalize(item.text)
    if (invalid !== undefined) tally.reject(item.where, invalid)
    tally.gitRanges += gitRanges
    for (const ecosystem of new Set(otherEcosystems)) tally.outside(ecosystem)
    const wanted = findings.filter(({ ecosystem }) => options.ecosystems?.includes(ecosystem) ?? true)
    for (const finding of wanted) {
      tally.date(finding.ecosystem, date)
      ecosystems.add(finding.ecosystem)
      spill.add(finding)
    }
    if (wanted.some((finding) => finding.record)) records++
    else if (wanted.length > 0) tally.withdrawn++
    if (tally.read % 1000 === 0) options.onProgress?.(source.name, tally.read)
  }
  return { name: source.name, records, ecosystems: [...ecosystems] }
}

/** An import that found nothing must not put an index without advisories in the place of a good one. */
function nothingFound(tally: Tally): NanoguardError {
  const [example] = tally.invalid.examples
  return new NanoguardError("the sources hold no advisory for npm, PyPI, Cargo or Go; nothing was changed", {
    exit: EXIT.nothingChecked,
    hint: example ? `${tally.invalid.count} could not be read, for example: ${example.problem}` : "check the sources",
  })
}

function* mergedPackages(spill: Spill): Generator<HashedPackage> {
  for (const { hash, findings } of spill.packages()) yield { hash, record: mergePackage(findings) }
}

function findingsOf({ ecosystem, name, advisories, withdrawn = [] }: PackageRecord): Finding[] {
  return [
    ...advisories.map((record) => ({ ecosystem, name, record })),
    ...withdrawn.map((id) => ({ ecosystem, name, withdrawn: id })),
  ]
}

/**
 * Reads every source and writes one index to `file`, replacing it at once and whole. A record that cannot be read is
 * counted and named; a source that cannot be read at all throws, and the old index stays. Memory stays bounded.
 */
export async function importAdvisories(
  file: string,
  sources: readonly ImportSource[],
  options: ImportOptions,
): Promise<ImportReport> {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  const tally = newTally(new Date(options.now).toISOString().slice(0, 10))
  const spill = openSpill(dirname(file))
  try {
    const read: SourceInfo[] = []
    for (const source of sources) read.push(await readSource(source, options, spill, tally))
    if (read.every((source) => source.records === 0)) throw nothingFound(tally)
    const newest: Partial<Record<Ecosystem, string>> = { ...options.kept?.info.newest }
    const completeness: IndexInfo["completeness"] = { ...options.kept?.info.completeness }
    for (const ecosystem of new Set(read.flatMap((source) => source.ecosystems))) {
      completeness[ecosystem] = options.completeness
      const date = tally.newest.get(ecosystem)
      if (date !== undefined) newest[ecosystem] = date
    }
    for (const record of options.kept?.packages ?? []) for (const finding of findingsOf(record)) spill.add(finding)
    const info = writeIndex(file, mergedPackages(spill), {
      kind: options.kind,
      created: new Date(options.now).toISOString(),
      asOf: Object.values(newest).sort().at(-1) ?? "",
      newest,
      completeness,
      sources: [...(options.kept?.info.sources ?? []), ...read],
      unreadable: tally.invalid.count,
    })
    const { withdrawn, gitRanges, invalid } = tally
    const otherEcosystems = Object.fromEntries(tally.other)
    return { info, read: tally.read, withdrawn, gitRanges, otherEcosystems, invalid }
  } finally {
    spill.close()
  }
}
