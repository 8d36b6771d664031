// `--format cyclonedx`: a CycloneDX 1.6 bill of materials (ECMA-424) of everything that was vetted, with the
// vulnerabilities that were found and what the policy's exceptions say of them.
import { createHash } from "node:crypto"
import parseSpdx from "spdx-expression-parse"
import type { VetReport } from "../vet/report.ts"
import { cleanText, safeJson } from "./clean.ts"
import { describeVulnerabilities } from "./vulnerabilities.ts"

/** Renders a report as one CycloneDX 1.6 JSON document. */
export function renderCyclonedx(report: VetReport): string {
  const components = new Map<string, object>()
  for (const component of report.components) {
    components.set(component.purl, describeComponent(component))
  }
  const bom = {
    $schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    version: 1,
    metadata: {
      timestamp: report.time,
      lifecycles: [{ phase: "pre-build" }],
      tools: { components: [{ type: "application", name: report.tool.name, version: report.tool.version }] },
      properties: [
        { name: "nanoguard:policy", value: report.policy.hash },
        ...report.missing.map(({ fact, reason, packages }) => ({
          name: "nanoguard:not-checked",
          value: cleanText(`${fact} (${reason}): ${packages}`),
        })),
      ],
    },
    components: [...components.values()],
    vulnerabilities: describeVulnerabilities(report, components),
  }
  return safeJson({ ...bom, serialNumber: serialOf(bom) })
}

// The same report is the same document: a number drawn from its content, in the form of a UUID (RFC 9562, version 8).
function serialOf(bom: object): string {
  const hex = createHash("sha256").update(JSON.stringify(bom)).digest("hex")
  const variant = "89ab"[Number.parseInt(hex[16]!, 16) % 4]
  return `urn:uuid:${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}

type Component = VetReport["components"][number]

function describeComponent(component: Component): object {
  const { purl, name, version, license, integrity, dev, optional } = component
  const hashes = integrity.map(describeHash).filter((hash) => hash !== undefined)
  const scope = optional ? "optional" : dev ? "excluded" : "required"
  return {
    type: "library",
    "bom-ref": purl,
    name,
    version,
    scope,
    ...(hashes.length > 0 && { hashes }),
    ...(license && { licenses: [isSpdx(license) ? { expression: license } : { license: { name: license } }] }),
    purl,
  }
}

function isSpdx(license: string): boolean {
  if (license.length > 1000) return false
  try {
    parseSpdx(license)
    return true
  } catch {
    return false
  }
}

const ALGORITHMS: Record<string, [name: string, bytes: number]> = {
  md5: ["MD5", 16],
  sha1: ["SHA-1", 20],
  sha256: ["SHA-256", 32],
  sha384: ["SHA-384", 48],
  sha512: ["SHA-512", 64],
}

// Subresource integrity, `sha512-<base64>`, as algorithm and hex digits; undefined for what CycloneDX has no name for.
function describeHash(integrity: string): { alg: string; content: string } | undefined {
  const dash = integrity.indexOf("-")
  const name = integrity.slice(0, Math.max(0, dash))
  const bytes = Buffer.from(integrity.slice(dash + 1, dash + 200), "base64")
  const known = Object.hasOwn(ALGORITHMS, name) ? ALGORITHMS[name] : undefined
  return known !== undefined && bytes.length === known[1]
    ? { alg: known[0], content: bytes.toString("hex") }
    : undefined
}
