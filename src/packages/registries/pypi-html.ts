// Reads the anchors of a page in the older form of the simple repository API (PEP 503). Only start tags of `a` and `base` matter,
// and nothing of the page's own markup is passed on: a full HTML parser would tell no more.

/** As the upstream has it: nothing is known of these values. */
export interface RawFile {
  filename?: unknown
  url?: unknown
  hashes?: unknown
  size?: unknown
  yanked?: boolean
  metadata?: unknown
  requiresPython?: unknown
  uploaded?: unknown
  provenance?: unknown
}

type Attributes = ReadonlyMap<string, string>

interface Links {
  /** `href` of the page's first `base` element. */
  base?: string
  anchors: Attributes[]
}

/** Longer tags are no anchors of an index. */
const MAX_TAG = 16 * 1024
// A `<` ends an unquoted value, so that a page of tags without an end is not read over and over.
const ATTRIBUTE = /\s*\/?\s*([^\s"'<>/=]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'<>][^\s<>]*)))?/y
const END = /\s*\/?\s*>/y
const ENTITIES: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" }

/** The attributes of all anchors that have an address, decoded, at most `most` of them; undefined where there are more. */
function readLinks(html: string, most: number): Links | undefined {
  const links: Links = { anchors: [] }
  for (let at = html.indexOf("<"); at !== -1; at = html.indexOf("<", at + 1)) {
    if (html.startsWith("<!--", at)) {
      const end = html.indexOf("-->", at + 4)
      if (end === -1) break
      at = end
      continue
    }
    const name = /^<(a|base)\s/i.exec(html.slice(at, at + 6))?.[1]
    if (name === undefined) continue
    const attributes = readAttributes(html.slice(at + name.length + 1, at + MAX_TAG))
    const href = attributes?.get("href")
    if (attributes === undefined || href === undefined) continue
    if (name.length > 1) links.base ??= href
    else if (links.anchors.push(attributes) > most) return undefined
  }
  return links
}

/** Up to the tag's end; undefined where it has none. Of two attributes with one name the first counts (HTML, 13.2.5.33). */
function readAttributes(text: string): Attributes | undefined {
  const attributes = new Map<string, string>()
  for (let at = 0; ; at = ATTRIBUTE.lastIndex) {
    END.lastIndex = at
    if (END.test(text)) return attributes
    ATTRIBUTE.lastIndex = at
    const found = ATTRIBUTE.exec(text)
    if (found === null) return undefined
    const name = found[1]!.toLowerCase()
    if (!attributes.has(name)) attributes.set(name, decodeEntities(found[2] ?? found[3] ?? found[4] ?? ""))
  }
}

function decodeEntities(text: string): string {
  if (!text.includes("&")) return text
  return text.replace(/&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|(amp|lt|gt|quot|apos));/gi, (all, decimal, hex, name) => {
    if (name !== undefined) return ENTITIES[name.toLowerCase()]!
    const code = decimal === undefined ? Number.parseInt(hex, 16) : Number(decimal)
    return code > 0 && code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff) ? String.fromCodePoint(code) : all
  })
}

/** The files that a page of a project names, as its attributes say it; undefined where there are more than `most`. */
export function readHtmlFiles(body: Buffer, url: string, most: number): RawFile[] | undefined {
  const links = readLinks(body.toString("utf8"), most)
  if (links === undefined) return undefined
  const base = links.base === undefined ? url : (URL.parse(links.base, url)?.href ?? url)
  return links.anchors.map((anchor) => anchorFile(anchor, base))
}

function anchorFile(anchor: Attributes, base: string): RawFile {
  const url = URL.parse(anchor.get("href")!, base)
  if (url === null) return {}
  const metadata = anchor.get("data-core-metadata") ?? anchor.get("data-dist-info-metadata")
  return {
    filename: lastSegment(url.pathname),
    url: url.href,
    hashes: fragmentHashes(url.hash.slice(1)),
    // PEP 592: the attribute's being there says it, with or without a reason.
    yanked: anchor.has("data-yanked"),
    metadata: metadata === undefined || metadata === "true" ? metadata === "true" : fragmentHashes(metadata),
    requiresPython: anchor.get("data-requires-python"),
  }
}

/** Installers take a file's name from its address. */
function lastSegment(path: string): string | undefined {
  try {
    return decodeURIComponent(path.slice(path.lastIndexOf("/") + 1))
  } catch {
    return undefined
  }
}

/** `sha256=...`, alone or among others (`egg=...&sha256=...`). */
function fragmentHashes(fragment: string): Record<string, string> {
  const pairs = fragment.slice(0, 1000).split("&", 10)
  return Object.fromEntries(pairs.map((pair) => [pair.split("=", 1)[0]!, pair.slice(pair.indexOf("=") + 1)]))
}
