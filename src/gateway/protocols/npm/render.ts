// A packument as policy lets this client see it, put together from the texts of its versions.
import { type FrontRequest, ListingError, type Plan, type Rendered } from "../../types.ts"
import type { Manifest } from "./manifest.ts"
import { deprecationLine, restrictionMessage } from "./messages.ts"
import { escapeVersion } from "./names.ts"
import { substitution } from "./notice.ts"
import type { Packument } from "./packument.ts"
import { ABBREVIATED } from "./read.ts"

/** The answer depends on what the client accepts. */
const VARY = { vary: "accept, accept-encoding" }

/** All versions in the form that was asked for. Those that are not served have no address that leads to their bytes. */
export function renderPackument(
  document: Packument,
  request: FrontRequest & { kind: "listing" },
  plan: Plan,
): Rendered {
  const tags = shownTags(document, plan)
  if (request.form === "dist-tags") return { contentType: "application/json", body: JSON.stringify(tags) }
  const full = request.form !== "abbreviated"
  const shown: string[] = []
  const restricted: string[] = []
  const addresses = addressesOf(document.name, plan)
  for (const [version, manifest] of document.versions) {
    const held = plan.withheld.get(version)
    if (held?.presentation === "withheld") restricted.push(version)
    else shown.push(`"${version}":${renderVersion(document, version, manifest, plan, full, addresses)}`)
  }
  const { name, about } = document
  const modified = document.times.get("modified")
  const members = [
    `"name":${JSON.stringify(name)}${full ? about : ""}`,
    `"dist-tags":${JSON.stringify(tags)}`,
    `"versions":{${shown.join(",")}}`,
  ]
  if (full) members.push(`"time":${JSON.stringify(shownTimes(document, plan))}`)
  else if (modified !== undefined) members.push(`"modified":${JSON.stringify(modified)}`)
  if (restricted.length > 0) members.push(`"policyRestrictions":${restrictions(name, restricted, plan)}`)
  const notice = plan.client === "npm" && plan.withheld.size > 0 ? substitution(document, plan) : undefined
  return {
    contentType: full ? "application/json" : ABBREVIATED,
    body: `{${members.join(",")}}`,
    headers: notice === undefined ? VARY : { ...VARY, "npm-notice": notice },
  }
}

/** One version's manifest in full, as the registry's `/<name>/<version>` gives it. Throws `ListingError` where there is none. */
export function renderManifest(document: Packument, version: string, plan: Plan): Rendered {
  const manifest = document.versions.get(version)
  if (manifest === undefined) throw new ListingError("the registry's answer does not list this version")
  const body = renderVersion(document, version, manifest, plan, true, addressesOf(document.name, plan))
  return { contentType: "application/json", body }
}

interface Addresses {
  /** JSON texts of the beginnings of addresses, up to the file and to the version; their quotes are open. */
  archives: string
  attestations: string
  /** Turns the path of a refusal into the JSON text of its address. */
  refused: (path: string) => string
}

function addressesOf(name: string, { base }: Plan): Addresses {
  const open = (address: string) => JSON.stringify(address).slice(0, -1)
  return {
    archives: open(`${base}/${name}/-/`),
    attestations: open(`${base}/-/npm/v1/attestations/${name}@`),
    refused: (path) => JSON.stringify(base + path),
  }
}

function renderVersion(
  { name }: Packument,
  version: string,
  manifest: Manifest,
  plan: Plan,
  full: boolean,
  { archives, attestations, refused }: Addresses,
): string {
  const { file, shared, rest, installs, dist } = manifest
  const held = plan.withheld.get(version)
  const deprecated =
    held === undefined
      ? manifest.deprecated
      : `,"deprecated":${JSON.stringify(deprecationLine(name, version, held, plan))}`
  const address =
    held === undefined ? `${archives}${escapeVersion(file)}"` : refused(plan.blockedPath(name, version, file))
  const attested = manifest.attestations && `${manifest.attestations}${attestations}${escapeVersion(version)}"},`
  return `${shared}${full ? rest : installs}${deprecated}${dist}${attested}"tarball":${address}}}`
}

/**
 * Tags of versions that are not served move to the replacement; where none is served they stay with those that are listed, so
 * that a client gets to the address that says why. A tag of a version that is not there is dropped.
 */
function shownTags({ tags, versions }: Packument, { withheld, replacement }: Plan): Record<string, string> {
  const shown: Record<string, string> = Object.create(null)
  for (const [tag, version] of Object.entries(tags)) {
    const held = withheld.get(version)
    const target =
      held === undefined ? version : (replacement ?? (held.presentation === "listed" ? version : undefined))
    if (target !== undefined && versions.has(target)) shown[tag] = target
  }
  return shown
}

function shownTimes({ times, versions }: Packument, { withheld }: Plan): Record<string, string> {
  const shown: Record<string, string> = Object.create(null)
  for (const [key, time] of times) {
    const about = key === "created" || key === "modified"
    if (about || (versions.has(key) && withheld.get(key)?.presentation !== "withheld")) shown[key] = time
  }
  return shown
}

/** npm takes these into account where a range or a version leaves nothing else, and prints the message (npm-pick-manifest); others do not look. */
function restrictions(name: string, versions: readonly string[], plan: Plan): string {
  const entries = versions.map((version) => `"${version}":${JSON.stringify({ name, version })}`)
  return `{"versions":{${entries.join(",")}},"message":${JSON.stringify(restrictionMessage(name, versions, plan))}}`
}
