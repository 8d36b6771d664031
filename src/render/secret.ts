// How `nanoguard secret` looks. No value ever comes this far.
import type { Protection } from "../vault/protection.ts"
import { cleanText, safeJson } from "./clean.ts"
import { alignColumns, wrapText } from "./layout.ts"

type Format = "text" | "json"

/** A credential as it is shown. */
export interface ShownCredential {
  name: string
  hosts: readonly string[]
  methods?: readonly string[]
  paths?: readonly string[]
  agents?: readonly string[]
  /** As `--slot` takes it. */
  slot: string
  /** `vault`, or as `--from` takes it, of a command its program alone. */
  source: string
  shape: string
  env?: readonly string[]
  canary?: true
  version: number
  by: string
  /** RFC 3339. */
  time: string
}

export interface SecretReport {
  schema: "nanoguard.secret/1"
  state: "set" | "rotated" | "removed"
  name: string
  credential?: ShownCredential
  by: string
  /** What protects the vault that was made for it. */
  vault?: string
  /** A canary's placeholder, to be left where only a thief finds it. */
  placeholder?: string
}

export interface SecretsReport {
  schema: "nanoguard.secrets/1"
  credentials: readonly ShownCredential[]
  /** Credentials that are not in force though nobody removed them. */
  refused: readonly { name: string; why: string }[]
}

export interface VaultReport {
  schema: "nanoguard.vault/1"
  state: "made" | "moved" | "unlocked" | "locked"
  protection?: Protection
  /** Where the key file is. */
  keyFile?: string
}

/** What was done to a credential. */
export function renderSecret(report: SecretReport, format: Format): string {
  if (format === "json") return safeJson(report)
  const { state, name, by, credential, vault, placeholder } = report
  const lines = [
    `${cleanText(name)} is ${state}${credential ? ` (version ${credential.version})` : ""}, signed by ${cleanText(by)}`,
  ]
  if (credential && !credential.canary) {
    lines.push(`  goes to ${reachOf(credential)}, as ${cleanText(credential.slot)}`)
    if (credential.source !== "vault") lines.push(`  read from ${cleanText(credential.source)} each time`)
  }
  if (state === "removed")
    lines.push("  whoever holds its placeholder gets nothing more; the key itself is still good where it was made")
  if (placeholder !== undefined)
    lines.push(
      `  plant this: ${cleanText(placeholder)}`,
      "  whoever sends it anywhere is recorded as credential.canary, and refused",
    )
  if (vault !== undefined) lines.push(`  a vault was made for it, its key under: ${vault} (see docs/vault.md)`)
  return `${lines.join("\n")}\n`
}

/** What there is. */
export function renderSecrets(report: SecretsReport, format: Format): string {
  if (format === "json") return safeJson(report)
  const { credentials, refused } = report
  if (credentials.length + refused.length === 0) return "There is no credential: nanoguard secret set <name>\n"
  const rows = credentials.map((one) => [
    ...[one.name, reachOf(one), one.slot, one.canary ? "canary" : one.source],
    ...[`v${one.version}`, one.by, one.time.slice(0, 16).replace("T", " ")],
  ])
  const lines = alignColumns(rows)
  for (const { name, why } of refused) lines.push(`${cleanText(name)} is NOT IN FORCE: ${cleanText(why)}`)
  return `${lines.join("\n")}\n`
}

function reachOf({ hosts, methods, paths, agents }: ShownCredential): string {
  const parts = [hosts.join(",")]
  if (methods) parts.push(methods.join(","))
  if (paths) parts.push(paths.join(","))
  if (agents) parts.push(`for ${agents.join(",")}`)
  return cleanText(parts.join(" "), 100)
}

const DONE = {
  made: "The vault is made",
  moved: "The vault's key is moved",
  unlocked: "The vault is open",
  locked: "The vault is locked",
}

/** How the vault stands now, and what its protection is good against. */
export function renderVault(report: VaultReport, format: Format): string {
  if (format === "json") return safeJson(report)
  const { state, protection, keyFile } = report
  if (!protection) return `${DONE[state]}.\n`
  const lines = [`${DONE[state]}. Its key is under ${protection.title}.`]
  if (keyFile !== undefined) lines.push(`  key file    ${cleanText(keyFile)}: without it no value can be read again`)
  lines.push(...row("stops", protection.stops), ...row("stops not", protection.not))
  if (protection.person) lines.push("  after a restart the gate needs you: nanoguard secret unlock")
  return `${lines.join("\n")}\n`
}

const row = (label: string, values: readonly string[]) =>
  wrapText(values.join("; "), 90).map((line, i) => `  ${(i === 0 ? label : "").padEnd(10)}  ${line}`)
