// `--format cyclonedx`: a CycloneDX 1.6 bill of materials (ECMA-424) of everything that was vetted, with the
// vulnerabilities that were found and what the policy's exceptions say of them.
import parseSpdx from "spdx-expression-parse"
import type { VetReport } from "../vet/report.ts"
import { describeHash, serialOf } from "./bom.ts"
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
