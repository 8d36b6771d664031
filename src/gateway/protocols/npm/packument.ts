// An npm packument (npm/registry documentation: package metadata) as the gate keeps it: the text of each version, ready to be
// put together, and the few values that are asked for. Nothing of the upstream's own text is passed on unparsed.
import { JsonError, type PickedFields, pickJson, type Shape } from "../../../packages/registries/json-pick.ts"
import { isRecord } from "../../../packages/registries/values.ts"
import { isValidVersion } from "../../../packages/versions.ts"
import { ListingError } from "../../types.ts"
import { type Manifest, reduceManifest } from "./manifest.ts"

export interface Packument {
  name: string
  /** What the document was read from. */
  url: string
  versions: ReadonlyMap<string, Manifest>
  tags: Readonly<Record<string, string>>
  /** ISO times by version; `created` and `modified` among them. */
  times: ReadonlyMap<string, string>
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

function packumentShape(name: string): Shape {
  return {
    fields: {
      name: "value",
      modified: "value",
      "dist-tags": "value",
      time: {
        entries: "value",
        map: (time: unknown) => (typeof time === "string" && TIME.test(time) ? time : undefined),
      },
      versions: {
        entries: "value",
        map: (manifest, version) =>
          isRecord(manifest) && isValidVersion("npm", version) ? reduceManifest(manifest, name, version) : undefined,
      },
      ...Object.fromEntries(ABOUT.map((member) => [member, "value" as const])),
    },
  }
}

/** Reads a full or abbreviated document of `name` that came from `url`. Throws `ListingError`. */
export function parsePackument(body: Buffer, name: string, url: string): Packument {
  const picked = pickDocument(body, name)
  if (picked === undefined || picked["name"] !== name)
    throw new ListingError("the registry's answer is not a document of this package")
  const versions = (picked["versions"] ?? new Map()) as Map<string, Manifest>
  if (versions.size > MAX_VERSIONS)
    throw new ListingError(`the registry's answer lists more than ${MAX_VERSIONS} versions`)
  const times = (picked["time"] ?? new Map()) as Map<string, string>
  const { modified } = picked
  if (typeof modified === "string" && TIME.test(modified) && !times.has("modified")) times.set("modified", modified)
  return { name, url, versions, times, tags: tagsOf(picked["dist-tags"]), about: aboutOf(picked) }
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
  const text = JSON.stringify(members).slice(1, -1)
  return text === "" ? "" : `,${text}`
}
