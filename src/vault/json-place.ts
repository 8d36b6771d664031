// Where in a JSON text the value is that a pointer names: so that it can be changed, and nothing else.

/** Offsets of a value's first character and behind its last one. */
export type Place = readonly [start: number, end: number]

/** A token that is no string: those may be long, and are skipped by hand. */
const OTHER = /[{}[\],:]|[^\s{}[\],:"]+/y
const SPACE = /\s*/y

/** The token at an offset of a text that is JSON, and where it begins; undefined at the end. */
function nextToken(text: string, offset: number): Place | undefined {
  SPACE.lastIndex = offset
  SPACE.test(text)
  const start = SPACE.lastIndex
  if (text[start] !== '"') {
    OTHER.lastIndex = start
    return OTHER.test(text) ? [start, OTHER.lastIndex] : undefined
  }
  for (let end = start + 1; ; ) {
    const quote = text.indexOf('"', end)
    if (quote < 0) return undefined
    let before = quote
    while (text[before - 1] === "\\" && before > end) before--
    if ((quote - before) % 2 === 0) return [start, quote + 1]
    end = quote + 1
  }
}

/** Deeper is refused. */
const MAX_DEPTH = 512

/**
 * The place of a value (RFC 6901 pointer) in a text; undefined where there is none. `ambiguous`: the text is no JSON, a name on
 * the way comes twice in its object, or it is nested deeper than 512.
 */
export function findJsonPlace(text: string, pointer: string): Place | undefined | "ambiguous" {
  try {
    JSON.parse(text)
  } catch {
    return "ambiguous"
  }
  const wanted =
    pointer === ""
      ? []
      : pointer
          .slice(1)
          .split("/")
          .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"))
  // Containers around the current value: whether each is on the way, and the name or index of the current value in it.
  const around: { object: boolean; onWay: boolean; key: string; index: number; isName: boolean; met: boolean }[] = []
  let place: Place | undefined
  let open: { depth: number; start: number } | undefined
  let end = 0
  for (let found = nextToken(text, 0); found !== undefined; found = nextToken(text, end)) {
    const start = found[0]
    end = found[1]
    const token = text.slice(start, end)
    const inside = around.at(-1)
    if (token === "," && inside !== undefined) {
      inside.index++
      inside.isName = inside.object
    } else if (token === ":") continue
    else if (token === "}" || token === "]") {
      around.pop()
      if (open?.depth === around.length) {
        place = [open.start, end]
        open = undefined
      }
    } else if (inside?.object === true && inside.isName) {
      inside.key = JSON.parse(token) as string
      inside.isName = false
    } else {
      const isThere = isWanted(around, wanted)
      if (isThere === "twice") return "ambiguous"
      const begins = token === "{" || token === "["
      const isAll = isThere && around.length === wanted.length
      if (isAll && !begins) place = [start, end]
      if (isAll && begins) open = { depth: around.length, start }
      if (!begins) continue
      if (around.length >= MAX_DEPTH) return "ambiguous"
      around.push({
        object: token === "{",
        onWay: isThere && !isAll,
        key: "",
        index: 0,
        isName: token === "{",
        met: false,
      })
    }
  }
  return place
}

type Around = { object: boolean; onWay: boolean; key: string; index: number; met: boolean }

/** Whether the current value is on the way; `twice` where one of the same name was before. */
function isWanted(around: readonly Around[], wanted: readonly string[]): boolean | "twice" {
  const inside = around.at(-1)
  if (inside === undefined) return true
  if (!inside.onWay) return false
  const name = inside.object ? inside.key : String(inside.index)
  if (name !== wanted[around.length - 1]) return false
  if (inside.met) return "twice"
  inside.met = true
  return true
}
