// Host patterns, compared label by label: `*.example.com` is exactly one label more, `**.example.com` one or more,
// `**` everything. A wildcard anywhere else is refused, so that every pattern is one look-up.
import { domainToASCII } from "node:url"
import { parseV4, parseV6 } from "./addresses.ts"

export type HostPattern =
  | { kind: "exact"; host: string }
  | { kind: "oneLabel" | "anyDepth"; suffix: string }
  | { kind: "any" }

const NAME = /^(?=.{1,253}$)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*$/

/** Reads a host pattern into its canonical form (lower case, IDNA, no trailing dot); undefined where it is none. */
export function parseHostPattern(text: string): HostPattern | undefined {
  if (text === "**") return { kind: "any" }
  for (const [mark, kind] of [
    ["**.", "anyDepth"],
    ["*.", "oneLabel"],
  ] as const) {
    if (!text.startsWith(mark)) continue
    const suffix = canonicalHost(text.slice(mark.length))
    return suffix === undefined || isAddress(suffix) ? undefined : { kind, suffix }
  }
  const host = canonicalHost(text)
  return host === undefined ? undefined : { kind: "exact", host }
}

/** A host as actions carry it: lower case, IDNA to ASCII, no trailing dot; an IPv6 address without brackets. */
export function canonicalHost(text: string): string | undefined {
  const bare = /^\[(.*)\]$/.exec(text)?.[1] ?? text
  if (parseV6(bare) !== undefined) {
    try {
      return new URL(`http://[${bare}]/`).hostname.slice(1, -1)
    } catch {
      return undefined
    }
  }
  if (/[\s/:@?#%*]/.test(text)) return undefined
  const ascii = domainToASCII(text.endsWith(".") ? text.slice(0, -1) : text)
  return NAME.test(ascii) ? ascii : undefined
}

const isAddress = (text: string) => parseV4(text) !== undefined || parseV6(text) !== undefined

/** Whether a canonical host fits a pattern; the meaning that the index has to reproduce. */
export function matchesHost(pattern: HostPattern, host: string): boolean {
  if (pattern.kind === "any") return true
  if (pattern.kind === "exact") return host === pattern.host
  if (!host.endsWith(`.${pattern.suffix}`)) return false
  const rest = host.slice(0, -pattern.suffix.length - 1)
  return rest !== "" && (pattern.kind === "anyDepth" || !rest.includes("."))
}

/** Whether a host pattern holds for every host of another. */
export function coversHost(outer: HostPattern, inner: HostPattern): boolean {
  if (outer.kind === "any") return true
  if (inner.kind === "any") return false
  if (inner.kind === "exact") return matchesHost(outer, inner.host)
  if (outer.kind === "exact") return false
  if (outer.kind === "oneLabel") return inner.kind === "oneLabel" && inner.suffix === outer.suffix
  return inner.suffix === outer.suffix || inner.suffix.endsWith(`.${outer.suffix}`)
}
