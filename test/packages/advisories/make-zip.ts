// Zip archives for tests: good ones from fflate, and bytes that no writer would produce.
import { zipSync } from "fflate"

/** A zip of text members. */
export function zipOf(members: Record<string, string>, level: 0 | 6 = 6): Buffer {
  const files = Object.fromEntries(Object.entries(members).map(([name, text]) => [name, Buffer.from(text)]))
  return Buffer.from(zipSync(files, { level }))
}

/** The same archive with its end in the 64-bit form, as archives of more than 65,535 members have it (APPNOTE 4.3.14-16). */
export function asZip64(zip: Buffer): Buffer {
  const at = zip.length - 22
  const end = Buffer.from(zip.subarray(at))
  const end64 = Buffer.alloc(56)
  end64.writeUInt32LE(0x06064b50, 0)
  end64.writeBigUInt64LE(44n, 4)
  end64.writeBigUInt64LE(BigInt(end.readUInt16LE(10)), 24)
  end64.writeBigUInt64LE(BigInt(end.readUInt16LE(10)), 32)
  end64.writeBigUInt64LE(BigInt(end.readUInt32LE(12)), 40)
  end64.writeBigUInt64LE(BigInt(end.readUInt32LE(16)), 48)
  const locator = Buffer.alloc(20)
  locator.writeUInt32LE(0x07064b50, 0)
  locator.writeBigUInt64LE(BigInt(at), 8)
  locator.writeUInt32LE(1, 16)
  end.fill(0xff, 8, 20)
  return Buffer.concat([zip.subarray(0, at), end64, locator, end])
}
