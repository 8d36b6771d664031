// An npm packument (npm/registry documentation: package metadata) as the gate keeps it: the text of each version, ready to be
// put together, and the few values that are asked for. Nothing of the upstream's own text is passed on unparsed.
import { JsonError, type PickedFields, pickJson, type Shape } from "../../../packages/registries/json-pick.ts"
import { assembleDocument, type Draft, draftOf } from "../../../packages/registries/npm-document.ts"
import { isRecord, timeOf } from "../../../packages/registries/values.ts"
import type { PackageDocument } from "../../../packages/types.ts"
import { isValidVersion } from "../../../packages/versions.ts"
import { ListingError } from "../../types.ts"
import { type Manifest, membersOf, reduceManifest } from "./manifest.ts"

export interface Packument {
  name: string
  /** What the document was read from. */
  url: string
  versions: ReadonlyMap<string, Manifest>
  tags: Readonly<Record<string, string>>
  /** ISO times by version; `created` and `modified` among them. */
  times: ReadonlyMap<string, string>
  /** What decisions need of every version, of those too that cannot be served. */
  drafts: ReadonlyMap<string, Draft>
  /** Members of the document that facts are taken from. */
  picked: PickedFields
  /** Members of the full form beside those, as JSON text that starts with a comma where there are any. */
  about: string
}

/** More versions than any package has ever had; what each takes is bounded by the bytes of the document. */
const MAX_VERSIONS = 50_000
const MAX_TAGS = 1000

/** Members of a full document that are passed on. Its readme is not: long, of no use to an install, and anyone's prose. */
const ABOUT = [
  "_id",
  "_rev",
  "description",
  "maintainers",
  "author",
  "contributors",
  "repository",
  "homepage",
  "bugs",
  "keywords",
  "license",
] as const

const TAG = /^[\x21-\x7e]{1,128}$/
const TIME = /^\d{4}-\d\d-\d\dT[0-9:.]{5,18}(?:Z|[+-]\d\d:?\d\d)$/

/** One version as both sides of the gate need it: what is decided on, and what is shown. */
interface Both {
  draft: Draft
  manifest: Manifest | undefined
}

function packumentShape(name: string): Shape {
  return {
    fields: {
      name: "value",
      modified: "value",
      "dist-tags": "value",
      time: { entries: "value", map: isoOf },
      versions: { entries: "value", map: (manifest, version) => reduceBoth(manifest, name, version) },
      ...Object.fromEntries(ABOUT.map((member) => [member, "value" as const])),
    },
  }
}

function reduceBoth(manifest: unknown, name: string, version: string): Both | undefined {
  const draft = draftOf(version, manifest)
  if (draft === undefined || !isRecord(manifest)) return undefined
  return { draft, manifest: isValidVersion("npm", version) ? reduceManifest(manifest, name, version) : undefined }
}

/** Times go on as they are where they are spelled as npm does, so that answers stay the same to the byte. */
function isoOf(value: unknown): string | undefined {
  const time = timeOf(value)
  if (time === undefined) return undefined
  return TIME.test(String(value)) ? String(value) : new Date(time).toISOString()
}

/** Reads a full or abbreviated document of `name` that came from `url`. Throws `ListingError`. */
export function parsePackument(body: Buffer, name: string, url: string): Packument {
  const picked = pickDocument(body, name)
  if (picked === undefined || picked["name"] !== name)
    throw new ListingError("the registry's answer is not a document of this package")
  const {
    versions: both = new Map(),
    time = new Map(),
    modified,
  } = picked as { versions?: Map<string, Both> } & PickedFields
  const versions = new Map<string, Manifest>()
  const drafts = new Map<string, Draft>()
  for (const [version, { draft, manifest }] of both) {
    drafts.set(version, draft)
    if (manifest !== undefined) versions.set(version, manifest)
  }
  if (drafts.size > MAX_VERSIONS)
    throw new ListingError(`the registry's answer lists more than ${MAX_VERSIONS} versions`)
  const times = time as Map<string, string>
  const changed = times.get("modified") ?? isoOf(modified)
  if (changed !== undefined) times.set("modified", changed)
  const tags = tagsOf(picked["dist-tags"])
  return { name, url, versions, drafts, times, tags, about: aboutOf(picked), picked: stated(picked) }
}

/** Facts for decisions, the same as `reducePackument` finds in the bytes. `now`: when the registry last answered, milliseconds since the epoch. */
export function packumentFacts({ picked, drafts, times }: Packument, now: number): PackageDocument {
  return assembleDocument(picked, drafts, (version) => timeOf(times.get(version)), now)
}

function stated({ name, _rev, maintainers, ["dist-tags"]: tags }: PickedFields): PickedFields {
  return { name, _rev, maintainers, "dist-tags": tags }
}

function pickDocument(body: Buffer, name: string): PickedFields | undefined {
  try {
    return pickJson(body, packumentShape(name)) as PickedFields | undefined
  } catch (error) {
    if (error instanceof JsonError) throw new ListingError(error.message)
    throw error
  }
}

function tagsOf(value: unknown): Record<string, string> {
  const tags: Record<string, string> = Object.create(null)
  if (!isRecord(value)) return tags
  for (const [tag, version] of Object.entries(value).slice(0, MAX_TAGS)) {
    if (TAG.test(tag) && typeof version === "string" && isValidVersion("npm", version)) tags[tag] = version
  }
  return tags
}

function aboutOf(picked: PickedFields): string {
  const members: Record<string, unknown> = {}
  for (const member of ABOUT) if (picked[member] !== undefined) members[member] = picked[member]
  return membersOf(members)
}
