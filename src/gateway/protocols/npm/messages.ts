// What npm clients are told of versions that are not served: templates around codes, reasons of our own, names and versions.
import { isPlainName, isPlainVersion } from "../../../packages/commands.ts"
import { plainText } from "../../../policy/text.ts"
import type { Plan, Withheld } from "../../types.ts"
import { compareQuickly } from "../order.ts"

const MAX_LINE = 400
/** npm prints the message whole, whichever version was asked for: the newest ones are the likeliest. */
const SHOWN = 8

/** The line that stands as `deprecated` of a version that is listed and not served. */
export function deprecationLine(name: string, version: string, held: Withheld, plan: Plan): string {
  const use = useOf(name, plan)
  return plainText(`${reasonOf(name, version, held)}${use === "" ? "" : ` ${use}.`}`, MAX_LINE)
}

/** The message of `policyRestrictions`, a few lines: npm prints it where only a withheld version would do. */
export function restrictionMessage(name: string, versions: readonly string[], plan: Plan): string {
  const newest = [...versions].sort((a, b) => compareQuickly("npm", b, a)).slice(0, SHOWN)
  const lines = newest.map((version) =>
    plainText(`  ${reasonOf(name, version, plan.withheld.get(version)!)}`, MAX_LINE),
  )
  const more = versions.length - newest.length
  if (more > 0) lines.push(`  and ${more} more: \`nanoguard why pkg:npm/${name.replace(/^@/, "%40")}@<version>\``)
  const use = useOf(name, plan)
  return ["Held back by policy:", ...lines, use === "" ? "No version of it is approved." : `${use}.`].join("\n")
}

/** The header that npm prints as a notice, in one line. `latest` is what the tag named before. */
export function noticeLine(name: string, version: string, instead: string, held: Withheld): string {
  const { code } = held.verdict
  return plainText(
    `nanoguard: ${name}@${version} is held back (${code}); ${name}@${instead} takes its place.`,
    MAX_LINE,
  )
}

function reasonOf(name: string, version: string, { verdict }: Withheld): string {
  const { reason, code, effect } = verdict
  const state = effect === "ask" ? "waits for approval" : "refused by policy"
  return `${name}@${version} ${state}: ${code}. ${/[.!?]$/.test(reason) ? reason : `${reason}.`}`
}

function useOf(name: string, { replacement, client }: Plan): string {
  if (replacement === undefined) return ""
  const target = `${name}@${replacement}`
  if (!isPlainName("npm", name) || !isPlainVersion("npm", replacement)) return `Use ${target}`
  const command = COMMANDS[client] ?? COMMANDS["npm"]
  return `Use ${target}: ${command} ${target}`
}

const COMMANDS: Readonly<Record<string, string>> = {
  npm: "npm install",
  pnpm: "pnpm add",
  "pnpm-classic": "pnpm add",
  yarn: "yarn add",
  "yarn-classic": "yarn add",
  bun: "bun add",
}
