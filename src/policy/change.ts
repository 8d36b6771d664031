// The smallest change of the YAML that turns an answer round, tried out before it is proposed.
import { EXCEPTABLE } from "./codes.ts"
import { isoDate } from "./conditions.ts"
import { decide } from "./decide.ts"
import { addToList, removeKey, renameKey } from "./edits.ts"
import { quote, slugOf } from "./flow.ts"
import { type LayerText, loadLayers } from "./load.ts"
import { formatPurlPattern, parsePurlPattern } from "./purl-pattern.ts"
import type { Action, DecisionEvidence, Effect, Verdict } from "./types.ts"

export interface PolicyChange {
  file: string
  /** One sentence. */
  summary: string
  /** First line that changes, from 1. */
  line: number
  removed: string[]
  added: string[]
  /** What the changed policy decides; computed, not guessed. */
  verdict: Verdict
}

const DAYS_OF_AN_EXCEPTION = 30
const LISTS: Readonly<Record<Exclude<Action["kind"], "package">, string>> = {
  network: "network",
  credential: "credentials",
  mount: "mounts",
  mcp: "mcp",
  skill: "skills",
}

/**
 * Finds a change that turns a refusal or a question into an allow, or an allow into a deny. Undefined where none of its own files can:
 * floors, denies of the organisation, budgets. Texts that hold regular expressions need `loadPatterns` first.
 */
export function smallestChange(
  texts: readonly LayerText[],
  action: Action,
  evidence: DecisionEvidence,
): PolicyChange | undefined {
  const before = decide(loadLayers(texts), action, evidence)
  const wanted: Effect = before.effect === "allow" ? "deny" : "allow"
  let current = [...texts]
  let verdict = before
  const summaries: string[] = []
  const touched = new Set<number>()
  // Several findings need one exception each; more than a handful is not a small change.
  for (let step = 0; step < 8 && verdict.effect !== wanted; step++) {
    const edit = editFor(current, verdict, wanted, action, evidence)
    if (!edit) return undefined
    touched.add(edit.layer)
    current = current.map((text, index) => (index === edit.layer ? { ...text, text: edit.text } : text))
    summaries.push(edit.summary)
    try {
      verdict = decide(loadLayers(current), action, evidence)
    } catch {
      return undefined
    }
  }
  const [layer] = touched
  if (verdict.effect !== wanted || layer === undefined || touched.size !== 1) return undefined
  const { file, text } = texts[layer] as LayerText
  return { file, summary: [...new Set(summaries)].join(" "), verdict, ...lineDiff(text, current[layer]?.text ?? "") }
}

interface Edit {
  layer: number
  text: string
  summary: string
}

function editFor(
  texts: readonly LayerText[],
  verdict: Verdict,
  wanted: Effect,
  action: Action,
  evidence: DecisionEvidence,
): Edit | undefined {
  const policy = loadLayers(texts)
  const own = texts.findIndex(({ file }) => !file.startsWith("org:"))
  const target = texts[own]
  if (!target) return undefined
  const rule = policy.listRules.find((candidate) => candidate.label === verdict.rule && candidate.code === verdict.code)
  if (
    wanted === "allow" &&
    action.kind === "package" &&
    EXCEPTABLE.includes(verdict.code) &&
    verdict.code !== "evidence.missing"
  ) {
    return add(
      target,
      own,
      ["packages", "exceptions"],
      exceptionFor(verdict, action, evidence),
      `Except this version from ${verdict.code} until a day.`,
    )
  }
  if (wanted === "allow" && action.kind === "package" && verdict.code === "evidence.missing") {
    return add(
      target,
      own,
      ["packages", "exceptions"],
      exceptionFor(verdict, action, evidence),
      "Accept for this version that evidence is missing.",
    )
  }
  // What lets a request reach a private address, or pass unseen, cannot stand beside a deny: that becomes a rule of its own.
  const opens = rule !== undefined && (rule.addresses !== undefined || rule.inspect === false)
  if (rule && !(opens && wanted === "deny") && !texts[rule.layer]?.file.startsWith("org:")) {
    const layer = texts[rule.layer] as LayerText
    const renamed = renameKey(layer.text, [...rule.path, rule.effect], wanted)
    // How careful people have to be says only a rule that asks them.
    const isAsked = rule.effect === "ask" && rule.source["risk"] !== undefined
    const text = renamed !== undefined && isAsked ? removeKey(renamed, [...rule.path, "risk"]) : renamed
    return text === undefined
      ? undefined
      : { layer: rule.layer, text, summary: `Let the rule ${rule.id} ${wanted} instead of ${rule.effect}.` }
  }
  if (rule && verdict.effect !== "allow") return undefined
  const isDefault =
    verdict.code === "policy.default" ||
    verdict.rule.startsWith("network.default") ||
    verdict.rule.startsWith("credentials.default")
  if (!isDefault && verdict.effect !== "allow") return undefined
  const item = ruleFor(action, wanted, freeId(texts, `${wanted}-${slug(action)}`))
  const list = action.kind === "package" ? ["packages", "rules"] : [LISTS[action.kind]]
  return item === undefined
    ? undefined
    : add(target, own, list, item, `Add a rule that ${wanted === "allow" ? "allows" : "denies"} it.`)
}

function add(
  target: LayerText,
  layer: number,
  path: readonly string[],
  item: string,
  summary: string,
): Edit | undefined {
  const text = addToList(target.text, path, item)
  return text === undefined ? undefined : { layer, text, summary }
}

function exceptionFor(verdict: Verdict, action: Action & { kind: "package" }, evidence: DecisionEvidence): string {
  const expires = isoDate(evidence.now + DAYS_OF_AN_EXCEPTION * 86_400_000)
  const ids = verdict.evidence.flatMap((item) => (item.kind === "advisory" ? [String(item["id"])] : []))
  const advisories = ids.length > 0 ? `, advisories: [${ids.map(quote).join(", ")}]` : ""
  return `{ allow: ${quote(packageOf(action))}, versions: ${quote(exactly(action))}, of: ${verdict.code}${advisories}, owner: ${quote("you@example.com")}, reason: why it is acceptable, expires: ${expires} }`
}

function packageOf(action: Action & { kind: "package" }): string {
  const pattern = parsePurlPattern(`pkg:${action.ecosystem}/${action.name}`)
  return pattern ? formatPurlPattern(pattern) : `pkg:${action.ecosystem}/${action.name}`
}

const exactly = ({ ecosystem, version }: Action & { kind: "package" }) =>
  ecosystem === "pypi" ? `==${version}` : `=${version.replace(/^v(?=\d)/, "")}`

function ruleFor(action: Action, verb: Effect, id: string): string | undefined {
  switch (action.kind) {
    case "package":
      return `{ id: ${id}, ${verb}: ${quote(packageOf(action))}, versions: ${quote(exactly(action))} }`
    case "network":
      return `{ id: ${id}, ${verb}: ${quote(action.host)}, methods: [${action.method}]${action.port === 443 ? "" : `, ports: [${action.port}]`} }`
    case "credential":
      return `{ id: ${id}, ${verb}: ${quote(action.credential)}, hosts: [${quote(action.host)}], methods: [${action.method}] }`
    case "mount":
      return /[*]/.test(action.path)
        ? undefined
        : `{ id: ${id}, ${verb}: ${quote(action.path)}${action.write ? ", write: true" : ""} }`
    case "mcp":
      return `{ id: ${id}, ${verb}: ${quote(`${action.server}${action.tool === undefined ? "" : `/${action.tool}`}`)} }`
    default:
      return `{ id: ${id}, ${verb}: ${quote(action.name)} }`
  }
}

function slug(action: Action): string {
  const name = {
    package: "name",
    network: "host",
    credential: "credential",
    mount: "path",
    mcp: "server",
    skill: "name",
  }[action.kind]
  const text = String((action as unknown as Record<string, unknown>)[name])
  return slugOf(text)
}

function freeId(texts: readonly LayerText[], id: string): string {
  const used = (candidate: string) => texts.some(({ text }) => text.includes(candidate))
  if (!used(id)) return id
  for (let index = 2; ; index++) if (!used(`${id}-${index}`)) return `${id}-${index}`
}

function lineDiff(before: string, after: string): Pick<PolicyChange, "line" | "removed" | "added"> {
  const [old, fresh] = [before.split("\n"), after.split("\n")]
  let start = 0
  while (start < old.length && start < fresh.length && old[start] === fresh[start]) start++
  let tail = 0
  while (tail < old.length - start && tail < fresh.length - start && old.at(-1 - tail) === fresh.at(-1 - tail)) tail++
  return {
    line: start + 1,
    removed: old.slice(start, old.length - tail),
    added: fresh.slice(start, fresh.length - tail),
  }
}
