// The gate about itself: that it listens, how it stands, what is wrong.
import { NanoguardError } from "../errors.ts"
import type { GateStatus } from "../gateway/control.ts"
import { cleanText, countOf, formatCount } from "./clean.ts"
import { renderError } from "./error.ts"
import { labelled } from "./layout.ts"
import type { Style } from "./style.ts"

/** The first lines of a gate in the foreground, or its status as one JSON document. */
export function renderStarted(status: GateStatus, format: "text" | "json"): string {
  if (format === "json") return `${JSON.stringify(status)}\n`
  const { origin, policy } = status
  const lacking = lackingOf(status)
  return [
    `nanoguard gateway listens on ${cleanText(origin)}`,
    `  policy   ${cleanText(policy.hash.slice(0, 19))} of ${cleanText(policy.project)}${adoptedBy(policy)}`,
    `  lets out ${lettingOut(status)}`,
    ...(status.vault?.state === "locked" ? [`  vault    ${cleanText(vaultLine(status.vault))}`] : []),
    ...(lacking === undefined ? [] : [`  lacking  ${lacking}`]),
    `  use it   nanoguard gateway exec -- ${(status.egress?.rules ?? 0) > 0 ? "<command>" : "npm ci"}`,
    "",
  ].join("\n")
}

function adoptedBy({ adopted }: GateStatus["policy"]): string {
  return adopted === undefined
    ? ""
    : `, adopted by ${cleanText(adopted.by)} on ${new Date(adopted.time).toISOString().slice(0, 10)}`
}

/** What comes past the gate at all, whatever is then decided about each. */
function lettingOut({ egress }: GateStatus): string {
  if (egress?.mode === "observe")
    return "packages, and every request: the policy observes, and stops only what no policy may allow"
  if (egress === undefined || egress.rules === 0) return "packages only: the policy has no rules for requests"
  return `packages, and requests by ${countOf(egress.rules, "rule")}; what they ask about waits for \`nanoguard approve\``
}

/** How the vault stands, and what opens it. */
function vaultLine({ state, kind, trouble, credentials, refused }: NonNullable<GateStatus["vault"]>): string {
  if (state === "absent") return "none yet: nanoguard secret set <name> makes it"
  if (state === "locked") {
    const way = trouble === undefined ? "nanoguard secret unlock" : `${trouble}; the gate tries again by itself`
    return `locked, so that requests that need a key get 503: ${way}`
  }
  const without = refused.length === 0 ? "" : `, ${refused.length} not in force: nanoguard secret list`
  return `open (${kind ?? "unknown"}), ${countOf(credentials, "credential")}${without}`
}

/** What nothing is known of, and what to do about it. */
function lackingOf({ advisories }: GateStatus): string | undefined {
  const { lacking } = advisories
  return lacking.length === 0 ? undefined : `no advisories for ${lacking.join(", ")}: nanoguard advisories update`
}

/** How the gate stands. `now` in milliseconds since the epoch. */
export function renderGateStatus(status: GateStatus, format: "text" | "json", style: Style, now: number): string {
  if (format === "json") return `${JSON.stringify(status)}\n`
  const { policy, upstream, advisories, kept } = status
  const { metadata, artifacts } = upstream
  const lacking = lackingOf(status)
  const rows: [string, string][] = [
    [
      "listens",
      `${status.origin} (process ${status.pid}, for ${Math.max(0, Math.round((now - status.started) / 60_000))} min)`,
    ],
    ["policy", `${policy.hash} of ${policy.project}${adoptedBy(policy)}`],
    ["evidence", `${formatCount(advisories.records)} advisories as of ${advisories.asOf.slice(0, 10)}`],
    ...(lacking === undefined ? [] : [["lacking", lacking] satisfies [string, string]]),
    ["agents", `${countOf(status.runs, "run")} known`],
    ["lets out", lettingOut(status)],
    ...requestRows(status),
    [
      "metadata",
      `${formatCount(metadata.hits)} from the cache, ${formatCount(metadata.misses)} fetched, ${formatCount(metadata.stale)} stale`,
    ],
    [
      "packages",
      `${formatCount(artifacts.hits)} from the cache, ${formatCount(artifacts.misses)} fetched, ${formatCount(artifacts.dropped)} dropped`,
    ],
  ]
  if (status.offline) rows.push(["upstream", "none is asked: the gate serves what it has"])
  const lines = rows.flatMap(([label, text]) => labelled(0, label, cleanText(text), 120))
  if (kept !== undefined) {
    lines.push(style.red(`The last reload failed, so the policy before it stays in force: ${cleanText(kept)}`))
  }
  return `${lines.join("\n")}\n`
}

function requestRows({ egress, vault }: GateStatus): [string, string][] {
  const held = egress?.held ?? 0
  return [
    ...(egress === undefined
      ? []
      : ([
          ["open", countOf(egress.connections, "connection")],
          ["waiting", `${countOf(held, "request")}${held === 0 ? "" : ": nanoguard approve"}`],
        ] satisfies [string, string][])),
    ...(vault === undefined ? [] : ([["vault", vaultLine(vault)]] satisfies [string, string][])),
  ]
}

/** What went wrong inside a gate that goes on, as one error text. */
export function renderTrouble(error: unknown, style: Style): string {
  return error instanceof NanoguardError
    ? renderError(error, { style })
    : `nanoguard: ${cleanText(error instanceof Error ? error.message : String(error))}\n`
}
