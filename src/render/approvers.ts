// How `nanoguard approver` looks.
import { cleanText, safeJson } from "./clean.ts"
import { alignColumns } from "./layout.ts"

export interface ApproverReport {
  schema: "nanoguard.approver/1"
  state: "added" | "removed"
  name: string
  /** As `ssh-keygen -l` shows it. */
  fingerprint: string
  /** Who signed it. */
  by: string
  /** The first of this store, taken on their own word. */
  root: boolean
  /** Where the key is that was made for them. */
  file?: string
}

export interface ApproversReport {
  schema: "nanoguard.approvers/1"
  approvers: readonly { name: string; fingerprint: string; added: string; by: string; key: string }[]
}

/** Who was added or removed, for a person or as one JSON document. */
export function renderApprover(report: ApproverReport, format: "text" | "json"): string {
  if (format === "json") return safeJson(report)
  const { state, name, fingerprint, by, root, file } = report
  const lines = [
    `${cleanText(name)} ${state === "added" ? "is an approver" : "is no approver any more"}: ${fingerprint}`,
  ]
  if (root)
    lines.push("  the first of this store, and so the root of its trust: compare the fingerprint wherever it is shown")
  else lines.push(`  signed by ${cleanText(by)}`)
  if (file !== undefined) lines.push(`  the key is in ${cleanText(file)}, under the passphrase; there is no copy`)
  return `${lines.join("\n")}\n`
}

/** Who is enrolled, for a person or as one JSON document. */
export function renderApprovers(report: ApproversReport, format: "text" | "json"): string {
  if (format === "json") return safeJson(report)
  if (report.approvers.length === 0) return "Nobody may decide yet: nanoguard approver add <name>\n"
  const rows = report.approvers.map(({ name, fingerprint, added, by }) => [
    ...[name, fingerprint, `since ${added.slice(0, 10)}`, by === name ? "root of trust" : `enrolled by ${by}`],
  ])
  return `${alignColumns(rows).join("\n")}\n`
}
