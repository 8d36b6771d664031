// The groups in a message of JFrog Curation: `{policy, condition, explanation, recommendation},{...}`. All four are free text with
// commas, so the commas alone tell nothing: the sentences that Curation itself begins with do.
import { plainText } from "../../policy/text.ts"

/** One policy that a package violates. Texts are the server's, in printable ASCII of bounded length. */
export interface CurationPolicy {
  policy: string
  condition: string
  explanation?: string
  recommendation?: string
}

const GROUPS = 20
const TEXT = 1_000
const PIECES = 400

/** How Curation begins a recommendation, an explanation and the names of its conditions. */
const RECOMMENDATION =
  /^(?:upgrade|update|downgrade|use|consider|replace|switch|choose|select|find|contact|ask|request|remove|avoid|wait|please|try|see|review|check|install|no (?:fix|fixed|newer|recommendation|remediation|version)|there (?:is|are) no|it is recommended|we recommend|recommended|pin)\b/i
const EXPLANATION =
  /^(?:package version|the package|this package|package (?:is|has|was|contains|does|name|version)|the version|this version|version\b|the image|image (?:is|was)|the model|model (?:is|was)|blocking|it (?:is|has|was|contains)|contains|released|published|license|the license|vulnerab|according)/i
const CONDITION =
  /^(?:cve\b|malicious|immature|package (?:version|is|has|with|name|age)|end of life|eol\b|image\b|not (?:allowed|approved)|banned|allowed|blocked|openssf|open ssf|specific|license|no license|agpl|gpl|lgpl|typosquat|deprecated|unmaintained|risky|labels?\b|older|vulnerab|epss|cvss)/i

/** The policies in the groups of a message, at most 20. */
export function readGroups(message: string): CurationPolicy[] {
  return findGroups(message).flatMap((group) => readGroup(group) ?? [])
}

/** Texts between braces. A brace within one ends it only where a group may end: at the end, before the next one or a full stop. */
function findGroups(message: string): string[] {
  const groups: string[] = []
  let start = message.indexOf("{")
  while (start >= 0 && groups.length < GROUPS) {
    const end = endOf(message, start + 1)
    groups.push(message.slice(start + 1, end))
    start = message.indexOf("{", end)
  }
  return groups
}

function endOf(message: string, from: number): number {
  let depth = 0
  for (let at = from; at < message.length; at++) {
    const char = message[at]
    if (char === "{") depth++
    else if (char === "}" && depth > 0) depth--
    else if (char === "}") return at
  }
  // Braces that do not match, or a message that was cut: up to the first that closes.
  const first = message.indexOf("}", from)
  return first < 0 ? message.length : first
}

function readGroup(group: string): CurationPolicy | undefined {
  return readLabelled(group) ?? readListed(group)
}

/** `policy:X,condition:Y`, as the notice about a whole package has it. */
function readLabelled(group: string): CurationPolicy | undefined {
  if (!/^\s*"?policy"?\s*:/i.test(group)) return undefined
  const parts = group.split(/(?:^|,)\s*"?(policy|condition|explanation|recommendation)"?\s*:/i)
  const texts: Record<string, string> = {}
  for (let i = 1; i + 1 < parts.length; i += 2) texts[parts[i]!.toLowerCase()] ??= parts[i + 1]!
  return makePolicy(texts["policy"], texts["condition"], texts["explanation"], texts["recommendation"])
}

function readListed(group: string): CurationPolicy | undefined {
  const pieces = splitPieces(group)
  if (pieces.length < 2) return makePolicy(group, "", undefined, undefined)
  const join = (from: number, to: number) => pieces.slice(from, to).join(",")
  const find = (form: RegExp, from: number, to: number) => {
    const at = pieces.slice(from, to).findIndex((piece) => form.test(piece.trim()))
    return at < 0 ? undefined : from + at
  }
  const count = pieces.length
  // A recommendation ends the group; its own text may begin again with one of these words, so the first counts.
  const advice = find(RECOMMENDATION, 2, count)
  const told = find(EXPLANATION, 2, advice ?? count)
  const rest = told ?? advice ?? count
  // A policy's name may have commas, too: where the condition is one of Curation's own, it shows where it begins.
  const condition = find(CONDITION, 1, rest) ?? 1
  const own = find(CONDITION, 1, count) ?? 1
  // The plain reading, where nothing speaks against it.
  if (count === 4 && (own === 1 || own === told || own === advice) && (told ?? 2) === 2 && (advice ?? 3) === 3)
    return makePolicy(pieces[0], pieces[1], pieces[2], pieces[3])
  // Where Curation is not known to have said it, the condition is one piece; no text is lost.
  const explanation = told ?? Math.min(condition + 1, rest)
  const end = advice ?? count
  return makePolicy(join(0, condition), join(condition, explanation), join(explanation, end), join(end, count))
}

/** Split at commas outside of brackets; those that are never closed do not count. */
function splitPieces(group: string): string[] {
  const pieces: string[] = []
  const closings = { "(": group.lastIndexOf(")"), "[": group.lastIndexOf("]"), "{": group.lastIndexOf("}") }
  let depth = 0
  let start = 0
  for (let at = 0; at < group.length && pieces.length < PIECES; at++) {
    const char = group[at]!
    if ((char === "(" || char === "[" || char === "{") && closings[char] > at) depth++
    else if (")]}".includes(char) && depth > 0) depth--
    else if (char === "," && depth === 0) {
      pieces.push(group.slice(start, at))
      start = at + 1
    }
  }
  pieces.push(group.slice(start))
  return pieces
}

function makePolicy(...texts: [string?, string?, string?, string?]): CurationPolicy | undefined {
  const [policy = "", condition = "", explanation = "", recommendation = ""] = texts.map((text) =>
    // A bar stands for a new line there.
    plainText(
      (text ?? "")
        .replace(/\s*\|\s*/g, "; ")
        .replace(/\s+/g, " ")
        .trim(),
      TEXT,
    ),
  )
  if (policy === "" && condition === "") return undefined
  return {
    policy,
    condition,
    ...(explanation !== "" && { explanation }),
    ...(recommendation !== "" && { recommendation }),
  }
}
