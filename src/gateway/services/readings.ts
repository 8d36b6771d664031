// Names and values of a query or an urlencoded form, in every way that servers read them: what one of them would see is in the list.

/** Of a form of 1 MiB. A query has fewer, read in both ways: the address of a request is 16 KiB at most. */
const MAX_PAIRS = 20_000

export interface Pair {
  /** As it was sent. */
  name: string
  value: string
}

/**
 * The pairs of `a=1&b=2`, as they were sent. A semicolon separates for some servers (HTML 4.01, B.2.2), for others it is part of
 * the value: both readings are in. Undefined where there are too many.
 */
export function splitPairs(text: string): readonly Pair[] | undefined {
  const pieces = text.split("&", MAX_PAIRS + 1)
  const all = text.includes(";") ? [...pieces, ...text.split(/[&;]/, MAX_PAIRS + 1)] : pieces
  if (all.length > MAX_PAIRS) return undefined
  return all
    .filter((piece) => piece !== "")
    .map((piece) => {
      const mark = piece.indexOf("=")
      return mark < 0 ? { name: piece, value: "" } : { name: piece.slice(0, mark), value: piece.slice(mark + 1) }
    })
}

/** What servers decode a text to: percent escapes once; a plus as a blank and, where it is a query, as itself. */
export function readings(text: string, plus: "blank" | "either"): string[] {
  if (!/[%+]/.test(text)) return [text]
  const found = new Set<string>()
  const variants = plus === "either" ? [text, text.replaceAll("+", " ")] : [text.replaceAll("+", " ")]
  for (const variant of variants) {
    const decoded = decode(variant)
    if (decoded !== undefined) {
      found.add(decoded)
      continue
    }
    // Not UTF-8, or a percent sign that escapes nothing: as it is, as Latin-1, and with what cannot be read replaced.
    const latin = variant.replace(/%([0-9a-fA-F]{2})/g, (_, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    )
    found.add(variant).add(latin).add(Buffer.from(latin, "latin1").toString("utf8"))
  }
  return [...found]
}

function decode(text: string): string | undefined {
  if (/%(?![0-9a-fA-F]{2})/.test(text)) return undefined
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

/**
 * Values of one name. Some servers take `Name`, `name[]`, `name[0]` and `name[x][y]` for `name` too: those count, so that no spelling
 * gets round a rule.
 */
export function valuesOf(pairs: readonly Pair[], name: string, plus: "blank" | "either"): string[] {
  const wanted = name.toLowerCase()
  const found: string[] = []
  for (const pair of pairs) {
    const named = readings(pair.name, plus).some((reading) => {
      const bare = reading.toLowerCase()
      return bare === wanted || (bare.startsWith(wanted) && bare[wanted.length] === "[")
    })
    if (named) found.push(...readings(pair.value, plus))
  }
  return found
}
