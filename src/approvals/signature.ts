// Ed25519 signatures, plain or as OpenSSH makes them (PROTOCOL.sshsig), over a text whose first line says what it is.
import { createHash, createPublicKey, type KeyObject, verify } from "node:crypto"

/** The namespace that `ssh-keygen -Y sign -n` is given: a signature made for something else counts for nothing here. */
export const NAMESPACE = "nanoguard@nanoguard.internal"

const KEY_TYPE = "ssh-ed25519"
const HASHES: ReadonlySet<string> = new Set(["sha256", "sha512"])

/** The key of an OpenSSH public key line as `ssh-ed25519 <base64>`, without its comment; undefined where it is another kind. */
export function readPublicKey(line: string): string | undefined {
  const match = /^ssh-ed25519 ([A-Za-z0-9+/]{68})(?:\s|$)/.exec(line.trim())
  if (!match) return undefined
  const key = `${KEY_TYPE} ${match[1]}`
  return rawKey(key) ? key : undefined
}

/** The public half of a key as `ssh-ed25519 <base64>`. */
export function formatPublicKey(key: KeyObject): string {
  const raw = Buffer.from(key.export({ format: "jwk" }).x ?? "", "base64url")
  return `${KEY_TYPE} ${Buffer.concat([field(KEY_TYPE), field(raw)]).toString("base64")}`
}

/** `SHA256:<base64>` of a public key, as `ssh-keygen -l` shows it. */
export function fingerprintOf(key: string): string {
  const blob = Buffer.from(key.split(" ")[1] ?? "", "base64")
  return `SHA256:${createHash("sha256").update(blob).digest("base64").replace(/=+$/, "")}`
}

/** Digests of signatures that hold, each with its key and message: a gate asks for the same ones with every package. */
const held = new Set<string>()
const MAX_HELD = 10_000

/** Whether `signature` (`ed25519:<base64>` or `sshsig:<base64>`) is of this message by this key. Never throws. */
export function verifySignature(key: string, message: string, signature: string): boolean {
  const digest = createHash("sha256")
    .update(JSON.stringify([key, message, signature]))
    .digest("base64")
  if (held.has(digest)) return true
  if (!holds(key, message, signature)) return false
  if (held.size >= MAX_HELD) held.clear()
  held.add(digest)
  return true
}

function holds(key: string, message: string, signature: string): boolean {
  try {
    const raw = rawKey(key)
    if (!raw) return false
    const bytes = Buffer.from(signature.slice(signature.indexOf(":") + 1), "base64")
    if (signature.startsWith("ed25519:")) return verifyRaw(raw, Buffer.from(message), bytes)
    return signature.startsWith("sshsig:") && verifySsh(raw, message, bytes)
  } catch {
    return false
  }
}

/** The blob of an armored OpenSSH signature as `verifySignature` takes it; undefined where there is none. */
export function readSshSignature(armored: string): string | undefined {
  const body = /^-----BEGIN SSH SIGNATURE-----\s+([A-Za-z0-9+/=\s]{1,4096})-----END SSH SIGNATURE-----/.exec(
    armored.trim(),
  )
  return body ? `sshsig:${body[1]!.replace(/\s/g, "")}` : undefined
}

function verifySsh(raw: Buffer, message: string, blob: Buffer): boolean {
  if (blob.subarray(0, 6).toString("latin1") !== "SSHSIG" || blob.readUInt32BE(6) !== 1) return false
  const [key, namespace, reserved, hash, signature] = readFields(blob.subarray(10), 5)
  const [type, signer] = readFields(key!, 2)
  const [kind, bytes] = readFields(signature!, 2)
  if (type!.toString() !== KEY_TYPE || kind!.toString() !== KEY_TYPE || !signer!.equals(raw)) return false
  if (namespace!.toString() !== NAMESPACE || reserved!.length > 0 || !HASHES.has(hash!.toString())) return false
  const digest = createHash(hash!.toString()).update(message).digest()
  const signed = Buffer.concat([Buffer.from("SSHSIG"), ...[namespace!, reserved!, hash!, digest].map(field)])
  return verifyRaw(raw, signed, bytes!)
}

function verifyRaw(raw: Buffer, message: Buffer, signature: Buffer): boolean {
  const key = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x: raw.toString("base64url") }, format: "jwk" })
  return signature.length === 64 && verify(null, message, key, signature)
}

function rawKey(key: string): Buffer | undefined {
  const fields = readFields(Buffer.from(key.split(" ")[1] ?? "", "base64"), 2)
  return fields[0]?.toString() === KEY_TYPE && fields[1]?.length === 32 ? fields[1] : undefined
}

/** A string as RFC 4251 (5) writes it: its length in four bytes, then its bytes. */
function field(value: string | Buffer): Buffer {
  const bytes = Buffer.from(value)
  const length = Buffer.alloc(4)
  length.writeUInt32BE(bytes.length)
  return Buffer.concat([length, bytes])
}

/** Exactly `count` strings of RFC 4251, with nothing after them. Throws a RangeError for anything else. */
function readFields(bytes: Buffer, count: number): Buffer[] {
  const fields: Buffer[] = []
  let at = 0
  for (; fields.length < count; at += 4 + fields.at(-1)!.length) {
    const end = at + 4 + bytes.readUInt32BE(at)
    if (end > bytes.length) throw new RangeError("a field is longer than what holds it")
    fields.push(bytes.subarray(at + 4, end))
  }
  if (at !== bytes.length) throw new RangeError("something follows the last field")
  return fields
}
