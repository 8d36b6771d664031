// Who may agree, and when nobody is asked.
import type { LayerContext } from "./compile-packages.ts"
import type { Approvers, QuietHours } from "./compiled.ts"
import { parseDuration } from "./duration.ts"
import type { PolicyDocument } from "./schema.ts"
import { plainText } from "./text.ts"
import { type Path, policyError } from "./yaml.ts"

type Source = NonNullable<PolicyDocument["approvers"]>[string]

/** One group of approvers; throws with the place of hours that are none, or of a time zone that does not exist. */
export function compileApprovers(source: Source, layer: LayerContext, path: Path): Approvers {
  const { people, quorum, expire, quiet, operator } = source
  return {
    people,
    quorum: quorum ?? 1,
    expire: parseDuration(expire ?? "15m"),
    layer: layer.layer,
    ...(quiet && { quiet: compileQuiet(quiet, layer, [...path, "quiet"]) }),
    ...(operator === false && { operator }),
  }
}

function compileQuiet(quiet: QuietHours, layer: LayerContext, path: Path): QuietHours {
  if (quiet.from === quiet.to)
    policyError("quiet hours begin and end at the same time", layer.yaml.where(path), "leave quiet out, or give a span")
  try {
    new Intl.DateTimeFormat("en", { timeZone: quiet.zone })
  } catch {
    policyError(
      `${plainText(quiet.zone, 64)} is no time zone`,
      layer.yaml.where([...path, "zone"]),
      "such as UTC or Europe/Berlin",
    )
  }
  return quiet
}
