// `audit inventory --format cyclonedx`: a CycloneDX 1.6 bill of materials (ECMA-424) of what one agent consumed. Packages, tools and
// skills are components; MCP servers and hosts are services.
import type { Inventory, InventoryAgent, InventoryItem } from "../audit/inventory/types.ts"
import { parsePurl, purlOf } from "../packages/purl.ts"
import { nameOf } from "./audit-inventory-csv.ts"
import { describeHash, serialOf } from "./bom.ts"
import { safeJson } from "./clean.ts"

interface Property {
  name: string
  value: string
}

/** Renders the one agent of an inventory, with its items, as a CycloneDX document. `tool` is the version of nanoguard. */
export function renderInventoryCyclonedx(inventory: Inventory, agent: InventoryAgent, tool: string): string {
  const refs = new Set<string>()
  const own = inventory.items.filter(({ uses }) => uses.some((use) => use.agent === agent.agent))
  const described = own.map((item) => describeItem(item, agent.agent, refs))
  const bom = {
    $schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    version: 1,
    metadata: {
      timestamp: inventory.asOf,
      lifecycles: [{ phase: "operations" }],
      tools: { components: [{ type: "application", name: "nanoguard", version: tool }] },
      component: { type: "application", "bom-ref": "agent", name: agent.agent || "unnamed agent" },
      properties: [
        ...agent.operators.map((operator) => property("operator", nameOf(operator))),
        ...agent.policies.map((policy) => property("policy", policy)),
        property("records", String(inventory.seq)),
      ],
    },
    components: described.filter((_, i) => !isService(own[i]!)),
    services: described.filter((_, i) => isService(own[i]!)),
  }
  return safeJson({ ...bom, serialNumber: serialOf(bom) })
}

const isService = ({ kind }: InventoryItem) => kind === "mcp" || kind === "host"

const TYPES: Readonly<Record<string, string>> = { package: "library", cli: "application", skill: "data" }

function describeItem(item: InventoryItem, agent: string, refs: Set<string>): object {
  const { kind, name, version, digest } = item
  const parsed = parsePurl(name)
  const purl = parsed && purlOf(parsed.ecosystem, parsed.name, version)
  const hash = describeHash(digest)
  const common = {
    "bom-ref": refOf(purl ?? `${kind}:${name}${version && `@${version}`}`, digest, refs),
    name: parsed?.name ?? (name || "unnamed"),
    ...(version && { version }),
  }
  const properties = propertiesOf(item, agent)
  // A host lies outside; whether an MCP server does, the record does not say.
  if (isService(item)) return { ...common, ...(kind === "host" && { "x-trust-boundary": true }), properties }
  return { type: TYPES[kind] ?? "data", ...common, ...(hash && { hashes: [hash] }), ...(purl && { purl }), properties }
}

/** One version may have been seen with several digests, and each reference must be the only one of its kind. */
function refOf(name: string, digest: string, refs: Set<string>): string {
  const ref = refs.has(name) ? `${name}#${digest}` : name
  refs.add(ref)
  return ref
}

function propertiesOf({ kind, digest, uses }: InventoryItem, agent: string): Property[] {
  const own = uses.filter((use) => use.agent === agent)
  const approvers = new Set(own.flatMap((use) => use.approvers.map(nameOf)))
  const reasons = new Set(own.flatMap((use) => use.because ?? []))
  const least = (values: string[]) => values.reduce((a, b) => (a < b ? a : b))
  const most = (values: string[]) => values.reduce((a, b) => (a > b ? a : b))
  return [
    property("kind", kind),
    ...(digest ? [property("digest", digest)] : []),
    property("first-seen", least(own.map(({ first }) => first))),
    property("last-seen", most(own.map(({ last }) => last))),
    property("count", String(own.reduce((sum, { count }) => sum + count, 0))),
    ...[...approvers].map((name) => property("approved-by", name)),
    ...[...reasons].map((reason) => property("touched-because", reason)),
  ]
}

const property = (name: string, value: string): Property => ({ name: `nanoguard:${name}`, value })
