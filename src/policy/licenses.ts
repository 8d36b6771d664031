// Licence conditions on SPDX expressions. Denied: no choice of the expression avoids what is denied. Accepted: some
// choice stays within what is accepted. Both are decided on the tree, never by writing out all choices.
import parseSpdx from "spdx-expression-parse"

interface Leaf {
  license: string
  plus?: true
  exception?: string
}
interface Branch {
  conjunction: "and" | "or"
  left: Node
  right: Node
}
type Node = Leaf | Branch | { noassertion: true }

export type LicenseAnswer = "fine" | "refused" | "unknown"

/** Compiles a condition; `listed` are SPDX ids, `unknown` aside. Answers are kept per expression. */
export function compileLicenses(
  listed: readonly string[],
  kind: "denied" | "accepted",
): (expression: string) => LicenseAnswer {
  const entries = listed.map(parseLicense).filter((entry) => entry !== undefined)
  const known = new Map<string, LicenseAnswer>()
  const refused = (node: Node): boolean => {
    if ("conjunction" in node) {
      const [left, right] = [refused(node.left), refused(node.right)]
      return node.conjunction === "and" ? left || right : left && right
    }
    if (!("license" in node)) return true
    return kind === "denied"
      ? entries.some((entry) => isDenied(node, entry as Leaf))
      : !entries.some((entry) => isAccepted(node, entry as Leaf))
  }
  return (expression) => {
    const answer = known.get(expression)
    if (answer) return answer
    const node = parseLicense(expression)
    const fresh: LicenseAnswer = !node || "noassertion" in node ? "unknown" : refused(node) ? "refused" : "fine"
    if (known.size > 5000) known.clear()
    known.set(expression, fresh)
    return fresh
  }
}

/** Parses an expression as registries state it, cargo's old `MIT/Apache-2.0` included; undefined where it is not SPDX. */
export function parseLicense(text: string): Node | undefined {
  if (text === "" || text.length > 1000) return undefined
  for (const form of [text, text.replaceAll(/\s*\/\s*/g, " OR ")]) {
    try {
      return parseSpdx(form.trim()) as Node
    } catch {
      // Not SPDX in this form.
    }
  }
  return undefined
}

/** Family, version and "or later" of an id such as GPL-2.0-or-later; ids without a version are their own family. */
function familyOf({ license, plus }: Leaf): { family: string; version: number[] | undefined; later: boolean } {
  const match = /^(.+?)-(\d+(?:\.\d+)*)(-only|-or-later)?$/.exec(license)
  if (!match?.[1] || !match[2]) return { family: license, version: undefined, later: plus === true }
  return {
    family: match[1],
    version: match[2].split(".").map(Number),
    later: plus === true || match[3] === "-or-later",
  }
}

/** A package "or later" can be had under its own version; an entry "or later" denies that version and those after it. */
function isDenied(leaf: Leaf, entry: Leaf): boolean {
  if (entry.exception !== undefined && entry.exception !== leaf.exception) return false
  const [has, denied] = [familyOf(leaf), familyOf(entry)]
  if (has.family !== denied.family) return false
  const order = compare(has.version, denied.version)
  return order === 0 || (denied.later && order > 0)
}

/** Accepted are the same licence, a later one under an "or later" entry, and "or later" from an accepted version or before it. */
function isAccepted(leaf: Leaf, entry: Leaf): boolean {
  if (leaf.exception !== entry.exception) return false
  const [has, accepted] = [familyOf(leaf), familyOf(entry)]
  if (has.family !== accepted.family) return false
  const order = compare(has.version, accepted.version)
  return order === 0 || (accepted.later && order > 0) || (has.later && order < 0)
}

function compare(a: readonly number[] | undefined, b: readonly number[] | undefined): number {
  if (!a || !b) return a === b ? 0 : Number.NaN
  for (let index = 0; index < Math.max(a.length, b.length); index++) {
    const difference = (a[index] ?? 0) - (b[index] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}
