// The log's own keys, in the state directory: made once, whoever comes first, and never readable by another user.
import { createPrivateKey, generateKeyPairSync, randomBytes } from "node:crypto"
import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from "node:fs"
import { dirname, join } from "node:path"
import { EXIT, NanoguardError } from "../../errors.ts"
import { cleanText } from "../../render/clean.ts"
import { makeDirectory, syncDirectory } from "../../store/sqlite/files.ts"
import { makeSigner, type Signer } from "./note.ts"

/** No key is longer; a larger file is none. */
const MAX_KEY = 4096

/** The key that signs checkpoints, made where there is none: `log.key`, Ed25519 in PKCS #8 PEM. `origin` is the name of the log. */
export function loadOrCreateLogKey(directory: string, origin: string): Signer {
  const path = join(directory, "log.key")
  const pem = loadOrCreateKeyFile(path, () =>
    Buffer.from(generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" })),
  )
  return readSigner(path, pem, origin)
}

/** The key that signs checkpoints, or undefined where there is none: for those that only read. */
export function loadLogKey(directory: string, origin: string): Signer | undefined {
  const path = join(directory, "log.key")
  const pem = readKeyFile(path)
  return pem && readSigner(path, pem, origin)
}

/** The key of the commitments to secrets, made where there is none: `commit.key`, 32 random bytes. */
export function loadOrCreateCommitKey(directory: string): Buffer {
  const path = join(directory, "commit.key")
  const key = loadOrCreateKeyFile(path, () => randomBytes(32))
  if (key.length !== 32) throw unusable(path, "does not hold 32 bytes")
  return key
}

/**
 * The bytes of a key file, mode 0600, made by `create` where there is none. When several processes come at once one of them
 * makes it, and all read the same. Throws `NanoguardError` for a file or directory that others may read or change.
 */
export function loadOrCreateKeyFile(path: string, create: () => Uint8Array): Buffer {
  const directory = dirname(path)
  try {
    makeDirectory(directory)
    checkDirectory(directory)
    const found = readKeyFile(path)
    if (found !== undefined) return found
    publishKeyFile(path, create())
  } catch (error) {
    throw error instanceof NanoguardError ? error : unusable(path, `cannot be made: ${codeOf(error)}`, error)
  }
  const made = readKeyFile(path)
  if (made === undefined) throw unusable(path, "is gone just after it was made")
  return made
}

/** The bytes of a key file; undefined where there is none. Throws `NanoguardError` where others may read it or it is no plain file. */
export function readKeyFile(path: string): Buffer | undefined {
  let fd: number
  try {
    // Not blocked by a pipe in the key's place, not led elsewhere by a link.
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined
    throw unusable(path, codeOf(error) === "ELOOP" ? "is a symbolic link" : `cannot be read: ${codeOf(error)}`, error)
  }
  try {
    const stat = fstatSync(fd)
    if (!stat.isFile()) throw unusable(path, "is not a file")
    if (isForeign(stat.uid)) throw unusable(path, "belongs to another user")
    if (process.platform !== "win32" && (stat.mode & 0o077) !== 0) {
      throw unusable(
        path,
        "may be read or changed by others",
        undefined,
        `chmod 600 ${cleanText(path)}, and consider the key known`,
      )
    }
    if (stat.size === 0 || stat.size > MAX_KEY) throw unusable(path, "is empty or too large")
    return readFileSync(fd)
  } finally {
    closeSync(fd)
  }
}

// Written and synced under another name, then linked: whoever sees the name sees a whole key, and a link replaces nothing.
function publishKeyFile(path: string, key: Uint8Array): void {
  const draft = `${path}.${process.pid}-${randomBytes(8).toString("hex")}`
  const fd = openSync(draft, "wx", 0o600)
  try {
    fchmodSync(fd, 0o600)
    writeFileSync(fd, key)
    fsyncSync(fd)
    linkSync(draft, path)
  } catch (error) {
    if (codeOf(error) !== "EEXIST") throw error
  } finally {
    closeSync(fd)
    unlinkSync(draft)
  }
  syncDirectory(dirname(path))
}

function checkDirectory(directory: string): void {
  const { uid, mode } = statSync(directory)
  if (process.platform === "win32") return
  if (isForeign(uid)) throw unusable(directory, "belongs to another user")
  if ((mode & 0o022) !== 0) {
    throw unusable(directory, "may be changed by others", undefined, `chmod 700 ${cleanText(directory)}`)
  }
}

function isForeign(uid: number): boolean {
  return process.getuid !== undefined && uid !== process.getuid()
}

function readSigner(path: string, pem: Buffer, origin: string): Signer {
  try {
    return makeSigner(origin, createPrivateKey(pem))
  } catch (cause) {
    throw unusable(path, "is not an Ed25519 key in PKCS #8 PEM", cause)
  }
}

function unusable(path: string, what: string, cause?: unknown, hint?: string): NanoguardError {
  return new NanoguardError(`${cleanText(path)} ${what}`, {
    exit: EXIT.environment,
    hint: hint ?? "restore it from a backup, or choose another state directory with NANOGUARD_HOME",
    cause,
  })
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : String(error)
}
