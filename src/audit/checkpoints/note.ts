// Signed notes as C2SP signed-note defines them, with its one classical algorithm: Ed25519, signature type 0x01.
import { createPublicKey, hash, type KeyObject, sign, verify } from "node:crypto"
import { cleanText } from "../../render/clean.ts"
import { NoteError } from "./note-error.ts"

/** What a signature is checked with. Name and id together say which key it is. */
export interface Verifier {
  /** No space, no plus; for a log, its origin. */
  name: string
  /** 8 lower-case hex digits. */
  id: string
  key: KeyObject
}

export interface Signer extends Verifier {
  privateKey: KeyObject
}

export interface NoteSignature {
  name: string
  id: string
  signature: Uint8Array
}

/** A note taken apart. Nothing in it is to be believed before `verifyNote`. */
export interface SignedNote {
  /** With its last newline, without the blank line: what the signatures are over. */
  text: string
  signatures: readonly NoteSignature[]
}

const ED25519 = 0x01

// A checkpoint has about 250 bytes; sixteen cosignatures of any kind fit well below this.
const MAX_NOTE = 128 * 1024
const MAX_SIGNATURES = 64
const MAX_NAME = 256

const NAME = /^[^\p{White_Space}\p{Cc}+]+$/u
const CONTROL = /[\0-\x09\x0b-\x1f]/

/** What an Ed25519 public key is called in notes: its id is sha256(name, newline, 0x01, key), the first 4 bytes. */
export function makeVerifier(name: string, key: KeyObject): Verifier {
  if (!isKeyName(name)) throw new NoteError(`${cleanText(name)} is no name for a key`)
  return { name, id: keyId(name, rawPublicKey(key)), key }
}

/** A signer out of an Ed25519 private key. */
export function makeSigner(name: string, privateKey: KeyObject): Signer {
  return { ...makeVerifier(name, createPublicKey(privateKey)), privateKey }
}

/** The verifier as one line of text, to be handed to others: `name+id+base64(0x01 || public key)`. */
export function formatVerifier({ name, id, key }: Verifier): string {
  return `${name}+${id}+${Buffer.concat([Buffer.of(ED25519), rawPublicKey(key)]).toString("base64")}`
}

/** Reads what `formatVerifier` writes. Throws `NoteError`, also where the id is not that of the key. */
export function parseVerifier(text: string): Verifier {
  const [name, id, encoded] = splitVerifier(text)
  const bytes = decodeBase64(encoded)
  if (!isKeyName(name) || bytes?.length !== 33 || bytes[0] !== ED25519) {
    throw new NoteError(`${cleanText(text)} is no Ed25519 verifier key: name+id+key`)
  }
  const x = bytes.subarray(1).toString("base64url")
  const verifier = makeVerifier(name, createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" }))
  if (verifier.id !== id) throw new NoteError(`the id of the verifier key ${cleanText(text)} is not that of its key`)
  return verifier
}

// Base64 has plus signs too, so that only the first two separate.
function splitVerifier(text: string): [string, string, string] {
  const [name = "", id = ""] = text.split("+", 2)
  return [name, id, text.slice(name.length + id.length + 2)]
}

/** The note over `text`, which must end in a newline, signed by each signer. Throws `NoteError` for a text that no note may have. */
export function signNote(text: string, signers: readonly Signer[]): string {
  const lines = signers.map(({ name, id, privateKey }) => {
    const signature = Buffer.concat([Buffer.from(id, "hex"), sign(null, Buffer.from(text), privateKey)])
    return `— ${name} ${signature.toString("base64")}\n`
  })
  const note = `${text}\n${lines.join("")}`
  // What is signed here must be read there: a text that would be split elsewhere is refused before it leaves.
  if (parseNote(note).text !== text) throw new NoteError("this text cannot be signed as a note")
  return note
}

/** Takes a note apart, strictly. Throws `NoteError` for anything that is not exactly in the format. */
export function parseNote(note: string): SignedNote {
  if (note.length > MAX_NOTE) throw new NoteError("the note is longer than 128 KiB")
  if (!note.isWellFormed() || CONTROL.test(note)) throw new NoteError("the note has control characters")
  const end = note.lastIndexOf("\n\n") + 1
  if (end < 1 || !note.endsWith("\n")) throw new NoteError("the note has no signatures")
  const lines = note.slice(end + 1, -1).split("\n")
  if (lines.length > MAX_SIGNATURES) throw new NoteError(`the note has more than ${MAX_SIGNATURES} signatures`)
  return { text: note.slice(0, end), signatures: lines.map(parseSignature) }
}

function parseSignature(line: string): NoteSignature {
  const [dash, name = "", encoded = "", ...rest] = line.split(" ")
  const bytes = decodeBase64(encoded)
  if (dash !== "—" || !isKeyName(name) || rest.length > 0 || bytes === undefined || bytes.length < 5) {
    throw new NoteError(`the note has a malformed signature line: ${cleanText(line, 80)}`)
  }
  return { name, id: bytes.toString("hex", 0, 4), signature: bytes.subarray(4) }
}

/**
 * The text of a note, once a known key has signed it, and whose. Signatures of unknown keys are ignored; one of a known key that
 * does not verify is an error, however many others do. Throws `NoteError`.
 */
export function verifyNote(note: string, verifiers: readonly Verifier[]): { text: string; by: Verifier[] } {
  const { text, signatures } = parseNote(note)
  const by: Verifier[] = []
  for (const { name, id, signature } of signatures) {
    for (const verifier of verifiers) {
      if (verifier.name !== name || verifier.id !== id || by.includes(verifier)) continue
      if (!verify(null, Buffer.from(text), verifier.key, signature)) {
        throw new NoteError(`the signature of ${cleanText(name)}+${id} is not over this text`)
      }
      by.push(verifier)
    }
  }
  if (by.length === 0) throw new NoteError("no known key has signed the note")
  return { text, by }
}

/** Base64 with padding (RFC 4648 section 4) in its one canonical spelling; undefined for any other text. */
export function decodeBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, "base64")
  return bytes.toString("base64") === text ? bytes : undefined
}

function isKeyName(name: string): boolean {
  return name.length <= MAX_NAME && name.isWellFormed() && NAME.test(name)
}

function keyId(name: string, raw: Uint8Array): string {
  return hash("sha256", Buffer.concat([Buffer.from(`${name}\n`), Buffer.of(ED25519), raw]), "hex").slice(0, 8)
}

function rawPublicKey(key: KeyObject): Buffer {
  if (key.asymmetricKeyType !== "ed25519") throw new NoteError("the key is not an Ed25519 key")
  return Buffer.from(key.export({ format: "jwk" }).x!, "base64url")
}
