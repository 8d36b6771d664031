// Poetry's own constraints (https://python-poetry.org/docs/dependency-specification/): carets, tildes, bare versions, `||`.

/**
 * Turns a constraint into PEP 440 specifiers, one text an alternative: `^1.2` is `>=1.2,<2`. What is PEP 440 already comes back as it is; what is
 * neither comes back as something that no version meets.
 */
export function poetryAlternatives(constraint: string): string[] {
  return constraint.split(/\|\|?/).map((alternative) => {
    const joined = alternative.trim().replace(/([<>=!~^])\s+/g, "$1")
    return joined
      .split(/\s*,\s*|\s+/)
      .map(toSpecifier)
      .join(",")
  })
}

function toSpecifier(part: string): string {
  if (part === "*") return ""
  if (part === "") return "==0+none"
  const version = part.replace(/^[\^~]/, "")
  const bound = /^[\^~](?!=)/.test(part) ? upperBound(version, part.startsWith("^")) : undefined
  if (bound !== undefined) return `>=${version},<${bound}`
  return /^v?[0-9]/.test(part) ? `==${part}` : part
}

/** A caret keeps the first number that is not zero, a tilde the first two; where fewer are given, all but the last. */
function upperBound(version: string, caret: boolean): string | undefined {
  const match = /^v?([0-9]{1,6}!)?([0-9]{1,15}(?:\.[0-9]{1,15}){0,8})/.exec(version)
  if (match === null) return undefined
  const numbers = match[2]!.split(".").map(Number)
  const firstSet = numbers.findIndex((number) => number !== 0)
  const kept = caret ? (firstSet < 0 ? numbers.length - 1 : firstSet) : Math.min(1, numbers.length - 1)
  return `${match[1] ?? ""}${[...numbers.slice(0, kept), numbers[kept]! + 1].join(".")}`
}
