// Where crates and their index files lie (doc.rust-lang.org/cargo: registry index).

const NAME = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/

/** A name that a crate may have. */
export function isCrateName(name: string): boolean {
  return NAME.test(name)
}

/** The path of a crate's file in the index, for a name as it is spelled there (in lower case). */
export function indexPath(name: string): string {
  if (name.length < 3) return `${name.length}/${name}`
  if (name.length === 3) return `3/${name[0]}/${name}`
  return `${name.slice(0, 2)}/${name.slice(2, 4)}/${name}`
}

/**
 * The address of a crate by the `dl` of its index's config.json; undefined where that makes none. `integrity` is the SRI hash
 * of the crate.
 */
export function crateAddress(
  template: string,
  name: string,
  version: string,
  integrity: string | undefined,
): string | undefined {
  const lower = name.toLowerCase()
  const prefix = (of: string) => indexPath(of).split("/").slice(0, -1).join("/")
  const marks: Record<string, string> = {
    "{crate}": name,
    "{version}": encodeURIComponent(version),
    "{prefix}": prefix(name),
    "{lowerprefix}": prefix(lower),
    "{sha256-checksum}": Buffer.from(integrity?.slice("sha256-".length) ?? "", "base64").toString("hex"),
  }
  const marked = /\{(crate|version|prefix|lowerprefix|sha256-checksum)\}/.test(template)
  const address = (marked ? template : `${template}/{crate}/{version}/download`).replace(
    /\{[a-z0-9-]+\}/g,
    (mark) => marks[mark] ?? mark,
  )
  return URL.canParse(address) ? address : undefined
}
