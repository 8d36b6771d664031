// The npm registry's protocol: packuments in both forms, versions, tags and archives (npm/registry documentation: registry API).
import type { Protocol, UpstreamFile } from "../../types.ts"
import { type Packument, packumentFacts, parsePackument } from "./packument.ts"
import { readRequest } from "./read.ts"
import { renderManifest, renderPackument } from "./render.ts"

/** Where nothing is served all is listed: bun and pnpm 12 say nothing of a refused listing, and show an archive's address. */
export const npmProtocol: Protocol<Packument> = {
  ecosystem: "npm",
  read: readRequest,
  source: (name, base) => ({ url: `${base}/${name.replace("/", "%2f")}`, accept: "application/json" }),
  parse: parsePackument,
  versions: ({ versions }) => [...versions.keys()],
  tags: ({ tags }) => tags,
  files: filesOf,
  facts: packumentFacts,
  render: renderPackument,
  renderRelease: (document, _request, version, plan) => renderManifest(document, version, plan),
  answerService: ({ service }) => (service === "ping" ? { contentType: "application/json", body: "{}" } : undefined),
  refusesListing: false,
}

/** The one archive of a version, at the address that the upstream's document gives for it. */
function filesOf({ versions, url }: Packument, version: string): readonly UpstreamFile[] {
  const manifest = versions.get(version)
  if (manifest === undefined) return []
  const address = URL.parse(manifest.tarball, url)
  if (address === null || !/^https?:$/.test(address.protocol) || address.username !== "" || address.password !== "")
    return []
  const { file, integrity } = manifest
  return [{ file, url: address.href, integrity, contentType: "application/octet-stream" }]
}
