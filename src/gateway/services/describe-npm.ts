// What `npm publish` sends, for people: the version's document with its tarball in base64 (libnpmpublish).
import { jsonPart } from "./describe-json.ts"
import { isObject, type JsonValue } from "./json.ts"
import { shown, shownBytes } from "./shown.ts"
import type { ShownPart, ShownValue } from "./types.ts"

/** Name, versions, dist-tags, scripts that installs will run, the tarballs with their hash; then the rest as it is. */
export function publishParts(value: JsonValue): ShownPart[] {
  if (!isObject(value)) return [jsonPart("JSON", value)]
  const about: ShownValue[] = []
  if (typeof value["name"] === "string") about.push(shown("package", value["name"]))
  for (const [version, document] of entries(value["versions"])) {
    about.push(shown("version", version))
    const scripts = isObject(document) ? document["scripts"] : undefined
    for (const [name, script] of entries(scripts)) {
      if (/^(pre|post)?install$|^prepare$/.test(name) && typeof script === "string")
        about.push(shown(`script ${name}`, script))
    }
  }
  for (const [tag, version] of entries(value["dist-tags"])) about.push(shown(`dist-tag ${tag}`, String(version)))
  for (const [file, attachment] of entries(value["_attachments"])) {
    const data = isObject(attachment) ? attachment["data"] : undefined
    if (typeof data === "string") about.push(shownBytes(file, Buffer.from(data, "base64")))
  }
  const isData = (pointer: string) => /^\/_attachments\/[^/]+\/data$/.test(pointer)
  return [{ title: "publish", values: about }, jsonPart("JSON", value, isData)]
}

const entries = (value: JsonValue | undefined): [string, JsonValue][] => (isObject(value) ? Object.entries(value) : [])
