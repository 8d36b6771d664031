// Reads licence and build script out of a .crate: a gzipped tar whose manifest cargo normalised at publishing.
import { createHash } from "node:crypto"
import { listFiles, unpackFirst } from "./tar-files.ts"
import { boundedString, isRecord } from "./values.ts"

const MAX_UNPACKED = 256 * 1024 * 1024
const MAX_MANIFEST = 1024 * 1024

/**
 * Licence ("" where none is stated) and install scripts of a crate. Undefined where its bytes are not those of `integrity`
 * (SRI), for what it says is evidence only with the hash that the index vouches for, and where cargo could find other files in it.
 */
export async function reduceCrate(
  bytes: Buffer,
  name: string,
  version: string,
  integrity: string,
): Promise<Record<string, unknown> | undefined> {
  if (`sha256-${createHash("sha256").update(bytes).digest("base64")}` !== integrity) return undefined
  const tar = await unpackFirst(bytes, MAX_UNPACKED)
  const files = tar && listFiles(tar)
  if (files === undefined) return undefined
  const root = `${name}-${version}/`
  // Where a disk tells no case apart, cargo finds either of them.
  const named = (path: string) => files.filter((file) => file.name.toLowerCase() === `${root}${path}`.toLowerCase())
  const buildScript = named("build.rs").length > 0
  const [found, ...others] = named("Cargo.toml")
  if (found === undefined || others.length > 0 || found.name !== `${root}Cargo.toml` || found.size > MAX_MANIFEST)
    return undefined
  const manifest = tar!.toString("utf8", found.start, found.start + found.size)
  const { parse } = await import("smol-toml")
  const { package: stated } = parse(manifest)
  if (!isRecord(stated) || stated.name !== name || stated.version !== version) return undefined
  // `build = false` says that build.rs is no build script, `build = "path"` that another file is one.
  const runs = stated.build === undefined ? buildScript : stated.build !== false
  const license = stated.license === undefined ? "" : boundedString(stated.license)
  return { installScripts: runs ? ["build.rs"] : [], ...(license !== undefined && { license }) }
}
