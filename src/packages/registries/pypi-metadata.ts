// Reads a distribution's core metadata (packaging.python.org: core metadata specifications, PEP 639 for licences).
import { boundedString } from "./values.ts"

/** Trove classifiers that name exactly one SPDX licence; the others ("BSD License") leave open which. */
const CLASSIFIERS: ReadonlyMap<string, string> = new Map([
  ["MIT License", "MIT"],
  ["MIT No Attribution License (MIT-0)", "MIT-0"],
  ["Apache Software License", "Apache-2.0"],
  ["ISC License (ISCL)", "ISC"],
  ["Mozilla Public License 2.0 (MPL 2.0)", "MPL-2.0"],
  ["Python Software Foundation License", "PSF-2.0"],
  ["The Unlicense (Unlicense)", "Unlicense"],
  ["Zope Public License", "ZPL-2.1"],
  ["GNU General Public License v2 (GPLv2)", "GPL-2.0-only"],
  ["GNU General Public License v2 or later (GPLv2+)", "GPL-2.0-or-later"],
  ["GNU General Public License v3 (GPLv3)", "GPL-3.0-only"],
  ["GNU General Public License v3 or later (GPLv3+)", "GPL-3.0-or-later"],
  ["GNU Lesser General Public License v2 or later (LGPLv2+)", "LGPL-2.0-or-later"],
  ["GNU Lesser General Public License v3 (LGPLv3)", "LGPL-3.0-only"],
  ["GNU Lesser General Public License v3 or later (LGPLv3+)", "LGPL-3.0-or-later"],
  ["GNU Affero General Public License v3", "AGPL-3.0-only"],
  ["GNU Affero General Public License v3 or later (AGPLv3+)", "AGPL-3.0-or-later"],
])

/** Licence ("" where none is stated) and requirements. Undefined where the metadata is of another project. */
export function reduceCoreMetadata(bytes: Buffer, name: string): Record<string, unknown> | undefined {
  const fields = readHeaders(bytes.toString("utf8", 0, 1024 * 1024))
  const own = fields
    .get("name")?.[0]
    ?.replace(/[-_.]+/g, "-")
    .toLowerCase()
  if (own !== name) return undefined
  const license = licenseOf(fields)
  const requires: Record<string, string> = Object.create(null)
  for (const line of fields.get("requires-dist") ?? []) {
    const match = /^([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^\]]*\])?\s*\(?([^;()]*)\)?\s*(;.*)?$/.exec(line)
    // A requirement of an extra is not one of the package as such.
    if (match?.[1] === undefined || /\bextra\s*==/.test(match[3] ?? "")) continue
    requires[match[1].replace(/[-_.]+/g, "-").toLowerCase()] = match[2]!.trim()
  }
  return { ...(license !== undefined && { license }), requires }
}

function licenseOf(fields: ReadonlyMap<string, readonly string[]>): string | undefined {
  const expression = fields.get("license-expression")?.[0]
  if (expression !== undefined) return boundedString(expression)
  const classified = (fields.get("classifier") ?? []).filter((line) => line.startsWith("License ::"))
  const names = classified.map((line) => CLASSIFIERS.get(line.split(" :: ").at(-1)!))
  // Several classifiers do not say whether all or any of them hold: the stricter reading.
  if (names.length > 0 && names.every((id) => id !== undefined)) return [...new Set(names)].sort().join(" AND ")
  const free = fields.get("license")?.[0]
  if (free !== undefined && free !== "" && free.toUpperCase() !== "UNKNOWN") return boundedString(free)
  const only = classified.at(-1)?.split(" :: ").at(-1)
  return only === undefined ? "" : boundedString(only)
}

/** Header lines up to the first empty one (RFC 822 form, as core metadata has it); continued lines are dropped. */
function readHeaders(text: string): Map<string, string[]> {
  const fields = new Map<string, string[]>()
  for (const line of text.split(/\r?\n/)) {
    if (line === "") break
    const match = /^([A-Za-z-]{1,40}):\s?(.*)$/.exec(line)
    if (match?.[1] === undefined) continue
    const key = match[1].toLowerCase()
    const values = fields.get(key)
    if (values === undefined) fields.set(key, [match[2]!.trim()])
    else if (values.length < 2000) values.push(match[2]!.trim())
  }
  return fields
}
