// "Who has it?": which items an advisory, a package or a name means, by what the record says and by what is known today.
import type { Kysely } from "kysely"
import type { AdvisoryIndex } from "../../packages/advisories/types.ts"
import { parsePurl, purlOf } from "../../packages/purl.ts"
import { plainId } from "../../policy/text.ts"
import type { Tables } from "../../store/schema.ts"
import { indexText } from "../derive/index-rows.ts"
import type { Reason, TouchedReport } from "./types.ts"

/** What a question meant: the items, and for an advisory why each is among them. */
export interface Touched {
  report: TouchedReport
  /** By id of the item; no reasons where the item itself was asked for. */
  items: Map<number, Reason[]>
  /** Uses whose own verdict named the advisory. */
  uses: Set<number>
}

/** What is asked for, read from its text. */
type Question =
  | { by: "advisory"; id: string }
  | { by: "package"; name: string; version: string | undefined }
  | { by: "name"; kind: string | undefined; name: string; version: string | undefined }

const ADVISORY = /^(?:GHSA|CVE|MAL|PYSEC|RUSTSEC|GO|OSV|OSEC|SNYK)-[\w.:-]+$/i
const KIND_AND_NAME = /^(mcp|skill|cli|host|credential):(.+)$/s

/**
 * Reads what `--touched` may be: an advisory's id, a purl with or without version, `mcp:`, `skill:`, `cli:`, `host:` or `credential:` and a name,
 * or a bare name of any of these, with `@version` where one is meant.
 */
export function readQuestion(text: string): Question {
  if (ADVISORY.test(text)) return { by: "advisory", id: canonicalId(text) }
  const purl = parsePurl(text)
  if (purl !== undefined) {
    return { by: "package", name: purlOf(purl.ecosystem, purl.name), version: purl.version || undefined }
  }
  const [, kind, rest = text] = KIND_AND_NAME.exec(text) ?? []
  const at = rest.lastIndexOf("@")
  const [name, version] = at > 0 ? [rest.slice(0, at), rest.slice(at + 1)] : [rest, undefined]
  return { by: "name", kind, name, version }
}

/** An id in the spelling that its database uses: GHSA's are in lower case, the others in capitals. Snyk's have both. */
function canonicalId(id: string): string {
  if (/^GHSA-/i.test(id)) return `GHSA${id.slice(4).toLowerCase()}`
  return /^SNYK-/i.test(id) ? id : id.toUpperCase()
}

/** Finds the items that `asked` means. `advisories` are the local ones, or why they cannot be searched. */
export async function findTouched(
  db: Kysely<Tables>,
  asked: string,
  advisories: AdvisoryIndex | { reason: string },
): Promise<Touched> {
  const question = readQuestion(asked)
  if (question.by === "advisory") return findByAdvisory(db, asked, question.id, advisories)
  const ids = question.by === "package" ? await findNamed(db, undefined, question) : await findAnyNamed(db, question)
  const items = new Map(ids.map((id): [number, Reason[]] => [id, []]))
  return { report: { asked, by: question.by, advisories: [], index: null }, items, uses: new Set() }
}

interface Named {
  name: string
  version: string | undefined
}

async function findNamed(db: Kysely<Tables>, kind: string | undefined, { name, version }: Named): Promise<number[]> {
  let select = db.selectFrom("items").select("id").where("name", "=", indexText(name))
  if (kind !== undefined) select = select.where("kind", "=", kind)
  if (version !== undefined) select = select.where("version", "=", indexText(version))
  return (await select.execute()).map(({ id }) => id)
}

/** A name as it was typed; as hosts are written; and with its `@` as part of the name. */
async function findAnyNamed(db: Kysely<Tables>, { kind, name, version }: Named & { kind: string | undefined }) {
  const host = name.toLowerCase().replace(/\.$/, "")
  const spellings: Named[] = [{ name, version }]
  if (host !== name) spellings.push({ name: host, version })
  if (version !== undefined) spellings.push({ name: `${name}@${version}`, version: undefined })
  const found = await Promise.all(spellings.map((named) => findNamed(db, kind, named)))
  return [...new Set(found.flat())]
}

interface PackageItem {
  id: number
  name: string
  version: string
}

async function findByAdvisory(
  db: Kysely<Tables>,
  asked: string,
  id: string,
  advisories: AdvisoryIndex | { reason: string },
): Promise<Touched> {
  const packages: PackageItem[] = await db
    .selectFrom("items")
    .select(["id", "name", "version"])
    .where("name", "like", "pkg:%")
    .execute()
  const searched = "reason" in advisories ? undefined : searchIndex(advisories, packages, id)
  const names = searched?.names ?? new Set([id])
  const recorded = await findRecorded(db, [...names])
  const items = new Map<number, Reason[]>()
  const add = (item: number, reason: Reason) => items.set(item, [...(items.get(item) ?? []), reason])
  // An advisory speaks of a version, not of one use or one digest of it.
  const versions = new Set(packages.filter((item) => recorded.items.has(item.id)).map(versionKey))
  for (const item of packages) {
    if (versions.has(versionKey(item))) add(item.id, "other-verdict")
    const reason = searched?.found.get(item.id)
    if (reason !== undefined) add(item.id, reason)
  }
  for (const item of recorded.items) if (!items.has(item)) add(item, "other-verdict")
  const index: TouchedReport["index"] =
    "reason" in advisories
      ? { searched: false, reason: advisories.reason }
      : {
          ...{ searched: true, kind: advisories.info.kind, asOf: advisories.info.asOf },
          partial: [...new Set(packages.map(({ name }) => parsePurl(name)?.ecosystem ?? ""))].some(
            (ecosystem) => advisories.completeness(ecosystem) !== "complete",
          ),
        }
  return { report: { asked, by: "advisory", advisories: [...names].sort(), index }, items, uses: recorded.uses }
}

const versionKey = ({ name, version }: PackageItem) => `${name}@${version}`

/** Uses whose verdict named one of the ids, and their items. */
async function findRecorded(db: Kysely<Tables>, ids: readonly string[]) {
  const rows = await db
    .selectFrom("touched")
    .innerJoin("uses", "uses.id", "touched.use")
    .select(["touched.use", "uses.item"])
    .where("touched.advisory", "in", ids.slice(0, 500).map(plainId))
    .execute()
  return { uses: new Set(rows.map(({ use }) => use)), items: new Set(rows.map(({ item }) => item)) }
}

/** What the local advisories say of the items today, and every name of the advisory that they know. */
function searchIndex(index: AdvisoryIndex, packages: readonly PackageItem[], id: string) {
  const found = new Map<number, "index" | "undecided">()
  const names = new Set([id])
  const isAsked = (advisory: { id: string; aliases?: readonly string[] | undefined }) =>
    [advisory.id, ...(advisory.aliases ?? [])].some((name) => names.has(name))
  for (const [name, items] of Map.groupBy(packages, (item) => item.name)) {
    const purl = parsePurl(name)
    if (purl === undefined) continue
    for (const { id: item, version } of items) {
      const affecting = index.affecting(purl.ecosystem, purl.name, version)
      const hit = affecting.find(isAsked)
      if (hit !== undefined) for (const other of [hit.id, ...hit.aliases]) names.add(other)
      if (hit !== undefined) found.set(item, "index")
      else if (affecting.invalid && index.records(purl.ecosystem, purl.name)?.advisories.some(isAsked)) {
        found.set(item, "undecided")
      }
    }
  }
  return { found, names }
}
