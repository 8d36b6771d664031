// What the attacks share: a policy that names what must not get in, advisories for it, and one word for what a vet did.
import { mkdirSync, symlinkSync } from "node:fs"
import { dirname, join } from "node:path"
import { NanoguardError } from "../../src/errors.ts"
import type { AdvisoryRecord } from "../../src/packages/advisories/types.ts"
import type { VetReport } from "../../src/vet/report.ts"
import { runVet, type VetOptions } from "../../src/vet/run.ts"
import { emptyHome, temporaryDirectory, testContext } from "../context.ts"
import { findingsOf, importAdvisories, ONLINE } from "../vet/support.ts"

/** `evil` is refused by name, `holey` below 2.0.0 by its advisories, `stealer` as malware; sources are not restricted. */
export const POLICY = `version: 1
packages:
  deny: { severity: high }
  unknown: { default: deny, offline: allow }
  rules:
    - { id: no-evil, deny: "pkg:npm/evil", reason: compromised }
    - { id: no-evil-python, deny: "pkg:pypi/evil-lib", reason: compromised }
    - { id: no-evil-crate, deny: "pkg:cargo/evil_lib", reason: compromised }
    - { id: no-evil-module, deny: "pkg:golang/registry.example/evil", reason: compromised }
    - { id: no-evil-release, deny: "pkg:npm/turned@3.3.6", reason: compromised }
    - { id: no-evil-range, deny: "pkg:npm/ranged", versions: ">=1.0.0 <2.0.0", reason: compromised }
`

const HOLEY: AdvisoryRecord = {
  id: "GHSA-aaaa-bbbb-cccc",
  kind: "vulnerability",
  severity: "critical",
  ranges: [{ introduced: "0", fixed: "2.0.0" }],
}
const STEALER: AdvisoryRecord = { id: "MAL-2026-1", kind: "malware", ranges: [{ introduced: "0" }] }

export interface Attack {
  files: Record<string, string>
  /** Links by path, with their text. */
  links?: Record<string, string>
  policy?: string | null
  options?: Partial<VetOptions>
  env?: Record<string, string>
}

/** Vets the attacker's tree offline, as CI without a network does. */
export async function vetAttack({ files, links = {}, policy = POLICY, options = {}, env = {} }: Attack) {
  const cwd = temporaryDirectory({ ...(policy !== null && { "nanoguard.yaml": policy }), ...files })
  for (const [path, target] of Object.entries(links)) {
    mkdirSync(dirname(join(cwd, path)), { recursive: true })
    symlinkSync(target, join(cwd, path))
  }
  const home = emptyHome(env)
  importAdvisories(home, { holey: [HOLEY], stealer: [STEALER] })
  const ctx = testContext(cwd, { env: home })
  return { ctx, cwd, ...(await runVet(ctx, { ...ONLINE, offline: true, ...options })) }
}

/** "passed", the findings, or the message of the error that ended the run. */
export async function outcomeOf(attack: Attack): Promise<string | Record<string, string>> {
  try {
    const { report } = await vetAttack(attack)
    return passed(report) ? "passed" : findingsOf(report)
  } catch (error) {
    if (error instanceof NanoguardError) return `refused: ${error.message}`
    throw error
  }
}

export function passed({ counts }: VetReport): boolean {
  return counts.deny === 0 && counts.ask === 0
}

/** A package-lock.json (version 3) with these entries as they are. */
export function lockOf(entries: Record<string, unknown>, root: Record<string, unknown> = {}): string {
  return JSON.stringify(
    { name: "p", lockfileVersion: 3, packages: { "": { name: "p", ...root }, ...entries } },
    null,
    2,
  )
}
