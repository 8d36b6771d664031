// The whole-file checksum, for `advisories status` and for an index that was just written.
import { createHash } from "node:crypto"
import { closeSync, fstatSync, openSync, readSync } from "node:fs"
import { decodeFooter, FOOTER_BYTES, FOOTER_HASHED_BYTES } from "./format.ts"
import { readInto } from "./read.ts"

/** True if every byte of the file is as it was written (SHA-256). */
export function verifyIndex(file: string): boolean {
  const fd = openSync(file, "r")
  try {
    const size = fstatSync(fd).size
    const end =
      size < FOOTER_BYTES ? undefined : readInto(Buffer.alloc(FOOTER_BYTES), FOOTER_BYTES, fd, size - FOOTER_BYTES)
    const footer = end && decodeFooter(end, size)
    if (!footer) return false
    const sha256 = createHash("sha256")
    const chunk = Buffer.allocUnsafe(1 << 20)
    let left = size - FOOTER_BYTES + FOOTER_HASHED_BYTES
    while (left > 0) {
      const read = readSync(fd, chunk, 0, Math.min(chunk.length, left), null)
      if (read === 0) return false
      sha256.update(chunk.subarray(0, read))
      left -= read
    }
    return sha256.digest().equals(footer.sha256)
  } finally {
    closeSync(fd)
  }
}
