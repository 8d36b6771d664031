// What a request rule says beyond which requests it is about: how the gate handles the host, and what may be used up.
import { type AddressRange, parseAddressRange } from "./address-ranges.ts"
import type { LayerContext } from "./compile-packages.ts"
import type { Budget, ListRule } from "./compiled.ts"
import type { Source } from "./list-rule.ts"
import { createRule } from "./rules.ts"
import { plainText } from "./text.ts"
import type { Effect, NetworkAction } from "./types.ts"
import { type Path, policyError } from "./yaml.ts"

/** Keys that are about what is inside a connection. */
const INSIDE = [
  ...(["methods", "paths", "operations", "access", "where", "service", "http2"] as const),
  ...(["credential", "placeholders", "bind"] as const),
]

/** Puts onto a rule how its host is handled; throws with the place of what contradicts itself. */
export function compileHandling(
  source: Source<"network">,
  effect: Effect,
  rule: ListRule<NetworkAction>,
  layer: LayerContext,
  path: Path,
): void {
  if (source.inspect === false || source.raw) {
    refuseLooking(source, effect, layer, path, source.raw ? "raw" : "inspect")
    rule.inspect = false
  }
  if (source.raw) {
    if (source.ports === undefined || rule.subject.includes("*"))
      policyError(
        "raw is for one host by name, with its ports named",
        layer.yaml.where([...path, "raw"], true),
        "write ports: [5432], and the host without *",
      )
    rule.raw = true
  }
  if (source.bind) {
    if (effect !== "ask")
      policyError(
        "bind is for rules that ask",
        layer.yaml.where([...path, "bind"], true),
        "it names headers that a person approves",
      )
    rule.bind = source.bind
  }
  if (source.addresses) {
    if (effect === "deny")
      policyError(
        "addresses let requests reach private addresses, which a deny cannot",
        layer.yaml.where([...path, "addresses"], true),
        "remove addresses",
      )
    rule.addresses = source.addresses.map((text, index): AddressRange => {
      const range = parseAddressRange(text)
      if (typeof range !== "string") return range
      const place = layer.yaml.where([...path, "addresses", index])
      return policyError(`${plainText(text, 64)} is not an address that a rule may name`, place, range)
    })
  }
  if (source.service !== undefined) rule.service = source.service
  if (source.http2) rule.http2 = true
  if (source.placeholders !== undefined) rule.placeholders = source.placeholders
}

function refuseLooking(
  source: Source<"network">,
  effect: Effect,
  layer: LayerContext,
  path: Path,
  key: "inspect" | "raw",
): void {
  const said = key === "raw" ? "raw" : "inspect: false"
  const where = (key: string) => layer.yaml.where([...path, key], true)
  if (effect !== "allow")
    policyError(
      `${said} is for rules that allow`,
      where(key),
      effect === "ask" ? "a person is asked about requests, which are inside" : "a deny needs no look inside",
    )
  const inside = INSIDE.find((key) => source[key] !== undefined)
  if (inside)
    policyError(`${inside} needs a look inside, and ${said} forbids it`, where(inside), `remove ${inside} or ${key}`)
  const unit = Object.keys(source.budget ?? {}).find((key) => key === "tokens" || key === "usd")
  if (unit)
    policyError(
      `a budget of ${unit} needs a look inside, and ${said} forbids it`,
      layer.yaml.where([...path, "budget", unit], true),
      "requests (connections) and bytes can be counted",
    )
}

const SCALE: Readonly<Record<string, number>> = { k: 1e3, M: 1e6, G: 1e9 }

/** The budgets of a rule, each with the rule that speaks once it is used up. */
export function compileBudget(
  source: Source<"network">,
  rule: ListRule<NetworkAction>,
  layer: LayerContext,
  path: Path,
): Budget[] {
  return Object.entries(source.budget ?? {}).map(([unit, text]) => {
    const [, amount = "0", scale = "", window = ""] = /^([\d.]+)([kMG]?)\/(\w+)$/.exec(text) ?? []
    const speaks = (code: string) =>
      createRule({
        id: `${source.id}.budget.${unit}`,
        place: layer.place([...path, "budget", unit]),
        effect: "deny",
        code,
        mode: rule.mode,
        layer: layer.layer,
        path,
      })
    return {
      unit: unit as Budget["unit"],
      limit: Number(amount) * (SCALE[scale] ?? 1),
      window: window as Budget["window"],
      counter: `${source.id}/${unit}`,
      rule: speaks("budget.exceeded"),
      unknown: speaks("evidence.missing"),
    }
  })
}
