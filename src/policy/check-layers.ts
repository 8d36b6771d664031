// Settings of a layer that a layer above makes pointless.

import { parseDuration } from "./duration.ts"
import type { Finding } from "./finding.ts"
import { type Layer, mergeMode, mergeUnknownSeverity, stricter } from "./layers.ts"
import { mergeRisks } from "./risk.ts"
import { SEVERITIES } from "./severities.ts"
import type { Path } from "./yaml.ts"

/** Warnings for settings that try to loosen what stands above, or what the same layer says elsewhere. */
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
    findings.push(...checkLevels(layers, index))
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

/** What a layer says of a level of risk in vain: because of a lesser one of its own, or of what stands above it. */
function checkLevels(layers: readonly Layer[], index: number): Finding[] {
  const { document } = layers[index] as Layer
  const own = mergeRisks([{ document }])
  const all = mergeRisks(layers.slice(0, index + 1))
  return SEVERITIES.flatMap((risk) => {
    const stated = document.approvals?.risk?.[risk] ?? {}
    return (["quorum", "expire", "alike", "quiet", "operator"] as const).flatMap((key): Finding[] => {
      const said = stated[key]
      const meant = key === "expire" && stated.expire !== undefined ? parseDuration(stated.expire) : said
      if (said === undefined || all[risk][key] === meant) return []
      const [why, hint] =
        own[risk][key] === meant
          ? ["what stands above it demands more", "a layer can tighten what stands above it, never loosen it"]
          : ["a lesser risk demands more", "a risk demands at least what lesser ones do"]
      return [
        {
          ...{
            check: "setting-without-effect",
            level: "warning",
            layer: index,
            path: ["approvals", "risk", risk, key],
          },
          message: `${risk}: ${key}: ${said} has no effect: ${why}`,
          hint,
        },
      ]
    })
  })
}

const defaultOf = ({ document }: Pick<Layer, "document">, section: "packages" | "mounts" | "mcp" | "skills") =>
  typeof document.default === "string" ? document.default : document.default?.[section]
