// What go.sum and the checksum database say of a module (go.dev/ref/mod: go.sum files, checksum database; go.dev/design/25530-sumdb):
// hashes of archives, and the proof that the database has them for everybody.
import { createHash } from "node:crypto"
import { decodeBase64, type Verifier, verifyNote } from "../../../audit/checkpoints/note.ts"
import { hashLeaf, type TreeHead, verifyInclusion } from "../../../audit/tree/merkle.ts"
import { openTree, type TileSource, tilesOfInclusion, tileWidth } from "../../../audit/tree/tiles.ts"
import { ListingError } from "../../types.ts"

/** A file in a module's archive, by its whole name there, and the SHA-256 of its bytes. */
export interface ZipEntry {
  name: string
  sha256: Uint8Array
}

/**
 * The `h1:` hash of a module's archive: over the sorted lines `<hex>  <name>`, as sha256sum prints them. Throws `ListingError` for a
 * name with a line break, which could stand for two files.
 */
export function hashOfZip(entries: Iterable<ZipEntry>): string {
  const files = [...entries].map(({ name, sha256 }) => ({ name: Buffer.from(name), sha256 }))
  if (files.some(({ name }) => name.includes(0x0a)))
    throw new ListingError("a file name in the archive has a line break")
  files.sort((a, b) => Buffer.compare(a.name, b.name))
  const total = createHash("sha256")
  for (const { name, sha256 } of files)
    total
      .update(`${Buffer.from(sha256).toString("hex")}  `)
      .update(name)
      .update("\n")
  return `h1:${total.digest("base64")}`
}

/** The `h1:` hash of a go.mod. */
export function hashOfMod(bytes: Uint8Array): string {
  return hashOfZip([{ name: "go.mod", sha256: createHash("sha256").update(bytes).digest() }])
}

/** The database's answer about one version: its record, and the signed tree that is said to have it. Nothing of it is proven. */
export interface Lookup {
  /** Place of the record in the tree, from 0. */
  id: number
  record: string
  note: string
}

const LOOKUP = /^([0-9]{1,15})\n((?:[^\n]+\n)+)\n([\s\S]+)$/

/** Takes an answer of `lookup` apart. Throws `ListingError`. */
export function parseLookup(body: string): Lookup {
  const [, id, record, note] = LOOKUP.exec(body) ?? []
  if (record === undefined || note === undefined) throw new ListingError("the checksum database's answer is none")
  return { id: Number(id), record, note }
}

/** The hashes that a record has for a version; undefined where it is about another one. */
export function checksumsOf(record: string, name: string, version: string): { zip: string; mod: string } | undefined {
  const hashOf = (what: string) => {
    const line = record.split("\n").find((text) => text.startsWith(`${what} `))
    const hash = line?.slice(what.length + 1) ?? ""
    return /^h1:[A-Za-z0-9+/]{43}=$/.test(hash) ? hash : undefined
  }
  const zip = hashOf(`${name} ${version}`)
  const mod = hashOf(`${name} ${version}/go.mod`)
  return zip === undefined || mod === undefined ? undefined : { zip, mod }
}

/** The tree that a note signs: `go.sum database tree`, size and root. Throws `NoteError` for the signature, `ListingError` for the text. */
export function readTree(note: string, database: Verifier): TreeHead {
  const [title, size = "", root = "", ...rest] = verifyNote(note, [database]).text.split("\n")
  const hash = decodeBase64(root)
  const isTree = title === "go.sum database tree" && /^(?:0|[1-9][0-9]{0,14})$/.test(size) && rest.length >= 1
  if (!isTree || hash?.length !== 32) throw new ListingError("the checksum database signed something that is no tree")
  return { size: Number(size), root: hash }
}

/** Paths, below the database's address, of the tiles that prove a record's place, with the level and position they are asked for by. */
export function tilesOfRecord(id: number, size: number): { path: string; level: number; position: number }[] {
  return tilesOfInclusion(id, size).map(({ level, position }) => {
    const width = tileWidth(size, level, position)
    return { level, position, path: `tile/8/${level}/${indexPath(position)}${width < 256 ? `.p/${width}` : ""}` }
  })
}

/** Three digits each, all but the last with an x before them. */
function indexPath(position: number): string {
  const digits = String(position)
  const groups = digits.padStart(Math.ceil(digits.length / 3) * 3, "0").match(/.{3}/g)!
  return groups.map((group, index) => (index < groups.length - 1 ? `x${group}` : group)).join("/")
}

/** Whether the tree has the record. Throws `MissingTile` where a tile of `tilesOfRecord` is not there, or not whole. */
export function isInTree({ id, record }: Lookup, head: TreeHead, tiles: TileSource): boolean {
  if (id >= head.size) return false
  return verifyInclusion(hashLeaf(record), id, head, openTree(tiles).proveInclusion(id, head.size))
}
