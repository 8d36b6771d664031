// Reads licence and build script out of a .crate: a gzipped tar whose manifest cargo normalised at publishing.
import { createHash } from "node:crypto"
import { promisify } from "node:util"
import { gunzip } from "node:zlib"
import { boundedString, isRecord } from "./values.ts"

const inflate = promisify(gunzip)
const MAX_UNPACKED = 256 * 1024 * 1024
const MAX_MANIFEST = 1024 * 1024
const BLOCK = 512

/**
 * Licence ("" where none is stated) and install scripts of a crate. Undefined where its bytes are not those of `integrity`
 * (SRI): what it says is evidence only with the hash that the index vouches for.
 */
export async function reduceCrate(
  bytes: Buffer,
  name: string,
  version: string,
  integrity: string,
): Promise<Record<string, unknown> | undefined> {
  if (`sha256-${createHash("sha256").update(bytes).digest("base64")}` !== integrity) return undefined
  const tar = await inflate(bytes, { maxOutputLength: MAX_UNPACKED, chunkSize: 256 * 1024 })
  const root = `${name}-${version}/`
  let manifest: string | undefined
  let buildScript = false
  for (const file of listTar(tar)) {
    if (file.name === `${root}build.rs`) buildScript = true
    if (file.name === `${root}Cargo.toml` && file.size <= MAX_MANIFEST)
      manifest = tar.toString("utf8", file.start, file.start + file.size)
  }
  if (manifest === undefined) return undefined
  const { parse } = await import("smol-toml")
  const { package: stated } = parse(manifest)
  if (!isRecord(stated) || stated.name !== name || stated.version !== version) return undefined
  // `build = false` says that build.rs is no build script, `build = "path"` that another file is one.
  const runs = stated.build === undefined ? buildScript : stated.build !== false
  const license = stated.license === undefined ? "" : boundedString(stated.license)
  return { installScripts: runs ? ["build.rs"] : [], ...(license !== undefined && { license }) }
}

/** Names, starts and sizes of the files in a tar (POSIX ustar). Stops at the first header that is none. */
function* listTar(tar: Buffer): Generator<{ name: string; start: number; size: number }> {
  for (let at = 0; at + BLOCK <= tar.length; ) {
    const text = (from: number, length: number) =>
      tar.toString("latin1", at + from, at + from + length).replace(/\0.*$/s, "")
    const size = Number.parseInt(text(124, 12).trim() || "0", 8)
    const name = text(0, 100)
    if (name === "" || !(size >= 0) || at + BLOCK + size > tar.length) return
    const prefix = text(345, 155)
    yield { name: prefix === "" ? name : `${prefix}/${name}`, start: at + BLOCK, size }
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK
  }
}
