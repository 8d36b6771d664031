// Addresses and hashes of a package's files, kept long after its parsed document was let go of: an install asks for its archives when
// all of its listings have passed, and must not have them read again.
import { createLru } from "../lru.ts"
import { ListingError, type Protocol, type UpstreamFile } from "../types.ts"

export interface Shelf {
  /** Of the document that the files are from, and of the further one that their addresses depend on. */
  id: string
  prepared: string | undefined
  /** As the upstream spells it. */
  name: string
  files: ReadonlyMap<string, readonly UpstreamFile[]>
  size: number
}

/** Files that are kept, at some four hundred bytes each. */
const MOST = 60_000
const shelves = createLru<Shelf>(MOST, ({ size }) => size + 10)

/** What is kept of a package; undefined where it is of another document than the one with this `id`. */
export function shelfOf(key: string, id: string, prepared: string | undefined): Shelf | undefined {
  const shelf = shelves.get(key)
  return shelf?.id === id && shelf.prepared === prepared ? shelf : undefined
}

/** Keeps the files of all versions, unless they are kept already, or cannot be told. */
export function shelve(
  key: string,
  protocol: Protocol,
  opened: { document: unknown; name: string; id: string; base: string; prepared?: { id: string; body: Buffer } },
): void {
  const { document, name, id, base, prepared } = opened
  if (shelfOf(key, id, prepared?.id) !== undefined) return
  const files = new Map<string, readonly UpstreamFile[]>()
  let size = 0
  try {
    for (const version of protocol.versions(document)) {
      const found = protocol.files(document, version, base, prepared?.body)
      size += found.length
      if (size > MOST) return
      files.set(version, found)
    }
  } catch (error) {
    if (error instanceof ListingError) return
    throw error
  }
  shelves.set(key, { id, prepared: prepared?.id, name, files, size })
}
