// Checkpoints as C2SP tlog-checkpoint defines them: a note whose text is origin, size and root of a tree.
import { cleanText } from "../../render/clean.ts"
import { HASH_SIZE, type TreeHead } from "../tree/merkle.ts"
import type { Checkpoint } from "../types.ts"
import { decodeBase64, parseNote, type Signer, signNote, type Verifier, verifyNote } from "./note.ts"
import { NoteError } from "./note-error.ts"

// Canonical decimal; 16 digits hold every number that is exact.
const SIZE = /^(?:0|[1-9]\d{0,15})$/

/** Signs the tree as it stands under the signer's name, which is the origin of the log. */
export function signCheckpoint({ size, root }: TreeHead, signer: Signer): Checkpoint {
  const text = `${signer.name}\n${size}\n${Buffer.from(root).toString("base64")}\n`
  parseText(text)
  return { origin: signer.name, size, root, note: signNote(text, [signer]) }
}

/** Reads a checkpoint without believing it: its signatures are not checked. Throws `NoteError` where it is malformed. */
export function parseCheckpoint(note: string): Checkpoint {
  return { ...parseText(parseNote(note).text), note }
}

/** Reads a checkpoint of `origin` that one of the verifiers signed. Throws `NoteError` for any other. */
export function verifyCheckpoint(note: string, origin: string, verifiers: readonly Verifier[]): Checkpoint {
  const checkpoint = { ...parseText(verifyNote(note, verifiers).text), note }
  if (checkpoint.origin === origin) return checkpoint
  throw new NoteError(`the checkpoint is of ${cleanText(checkpoint.origin)}, not of ${cleanText(origin)}`)
}

/** Whether a key signed the note, and it is a checkpoint of that key's log. */
export function isSignedBy(note: string, key: Verifier): boolean {
  try {
    verifyCheckpoint(note, key.name, [key])
    return true
  } catch {
    return false
  }
}

function parseText(text: string): Omit<Checkpoint, "note"> {
  const [origin = "", size = "", encoded = "", ...extensions] = text.slice(0, -1).split("\n")
  const root = decodeBase64(encoded)
  if (origin === "" || extensions.includes("")) throw new NoteError("the checkpoint has an empty line")
  if (!SIZE.test(size) || !Number.isSafeInteger(Number(size))) {
    throw new NoteError(`the checkpoint has no tree size in its second line: ${cleanText(size, 80)}`)
  }
  if (root?.length !== HASH_SIZE) throw new NoteError("the checkpoint has no root hash in its third line")
  return { origin, size: Number(size), root: Uint8Array.from(root) }
}
