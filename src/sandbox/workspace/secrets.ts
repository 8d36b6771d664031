// Whether a file that may hold a secret does. Only its beginning is read: keys and tokens of configuration files lie there.
import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs"
import type { SecretKind } from "./names.ts"

const BEGINNING = 256 * 1024
const { O_RDONLY, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants

const PATTERNS: Readonly<Record<SecretKind, RegExp>> = {
  "private-key": /-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY/,
  token:
    /(?:_authToken|_auth|_password|npmAuthToken|npmAuthIdent|password|passwd|secret|token|"auth"|"identitytoken"|api[_-]?key|cleartextpassword)["']?\s*(?:\]|>|[=:]|"?\s*value=)\s*["']?(?!\$\{|["'{[\s])[^\s"']{3,}|:\/\/[^\s/:@]+:[^\s/@$]+@/i,
  account:
    /-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY|"(?:private_key|client_secret|refresh_token|aws_secret_access_key)"\s*:/i,
}

/** Whether the file holds what `kind` says. What cannot be read here counts as a secret: the box may be able to. */
export function holdsSecret(file: string, kind: SecretKind): boolean {
  const text = readBeginning(file, BEGINNING)
  return text === undefined || PATTERNS[kind].test(text)
}

/** The first `size` bytes of a plain file as Latin-1; undefined where it is a link, no file, or cannot be read. Never waits for a pipe. */
export function readBeginning(file: string, size: number): string | undefined {
  let fd: number | undefined
  try {
    fd = openSync(file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
    if (!fstatSync(fd).isFile()) return undefined
    const buffer = Buffer.allocUnsafe(Math.min(size, fstatSync(fd).size))
    let read = 0
    while (read < buffer.length) {
      const got = readSync(fd, buffer, read, buffer.length - read, read)
      if (got === 0) break
      read += got
    }
    return buffer.toString("latin1", 0, read)
  } catch {
    return undefined
  } finally {
    if (fd !== undefined) closeSync(fd)
  }
}
