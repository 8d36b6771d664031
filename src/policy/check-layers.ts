// Settings of a layer that a layer above makes pointless.

import { SEVERITIES } from "./conditions.ts"
import type { Finding } from "./finding.ts"
import { type Layer, mergeMode, mergeUnknownSeverity, stricter } from "./layers.ts"
import { mergeRisks, RISKS } from "./risk.ts"
import type { Path } from "./yaml.ts"

/** Warnings for settings that try to loosen what stands above. */
export function checkLayers(layers: readonly Layer[]): Finding[] {
  const findings: Finding[] = []
  const warn = (layer: number, path: Path, message: string) =>
    findings.push({
      check: "setting-without-effect",
      level: "warning",
      message,
      layer,
      path,
      hint: "a layer can tighten what stands above it, never loosen it",
    })
  const severity = mergeUnknownSeverity(layers)
  for (const [index, { document }] of layers.entries()) {
    if (index === 0) continue
    if (document.mode === "observe" && mergeMode(layers) === "enforce")
      warn(index, ["mode"], "mode: observe has no effect: another layer enforces")
    const stated = document.packages?.["unknown-severity"]
    if (stated !== undefined && SEVERITIES.indexOf(stated) < SEVERITIES.indexOf(severity)) {
      warn(
        index,
        ["packages", "unknown-severity"],
        `unknown-severity: ${stated} has no effect: another layer counts them as ${severity}`,
      )
    }
    for (const risk of RISKS) {
      const stated = document.approvals?.risk?.[risk]
      const counts = mergeRisks(layers.slice(0, index + 1))[risk]
      for (const key of ["quorum", "alike", "quiet", "operator"] as const)
        if (stated?.[key] !== undefined && stated[key] !== counts[key])
          warn(
            index,
            ["approvals", "risk", risk, key],
            `${risk}: ${key}: ${stated[key]} has no effect: a layer above demands more`,
          )
    }
    for (const section of ["packages", "mounts", "mcp", "skills"] as const) {
      const above = layers.slice(0, index).flatMap((layer) => defaultOf(layer, section) ?? [])
      const own = defaultOf({ document }, section)
      const strictest = above.reduce(stricter, "allow")
      if (own !== undefined && stricter(own, strictest) !== own) {
        const path = typeof document.default === "string" ? ["default"] : ["default", section]
        warn(index, path, `default: ${own} has no effect for ${section}: a layer above says ${strictest}`)
      }
    }
  }
  return findings
}

const defaultOf = ({ document }: Pick<Layer, "document">, section: "packages" | "mounts" | "mcp" | "skills") =>
  typeof document.default === "string" ? document.default : document.default?.[section]
