// What the tests of the Python, Cargo, Go and BOM readers share.
import { posix } from "node:path"
import { PackageURL, UrlConverter } from "@socketregistry/packageurl-js"
import { expect } from "vitest"
import { NanoguardError } from "../../../src/errors.ts"
import type { Lockfile, ReadSibling } from "../../../src/packages/types.ts"

/** Files beside the lockfile, by their paths relative to it. */
export function siblings(files: Record<string, string> = {}): ReadSibling {
  return (given) => {
    const path = posix.normalize(given)
    return Object.hasOwn(files, path) ? files[path] : undefined
  }
}

export const ALONE = siblings()

/** The address of an ecosystem's own registry, from the library that knows it: no host name stands in the tests. */
function registryOf(ecosystem: string): URL {
  const purl = new PackageURL(ecosystem, undefined, "a", "1.0.0", undefined, undefined)
  return new URL(UrlConverter.toDownloadUrl(purl)!.url)
}

/** The default simple index of Python. */
export const PYTHON_INDEX = `${registryOf("pypi").origin}/simple`
/** The two spellings of Cargo's default registry in Cargo.lock. */
export const CARGO_GIT_INDEX = `registry+https://github.com/rust-lang/${registryOf("cargo").host}-index`
export const CARGO_SPARSE_INDEX = `sparse+https://index.${registryOf("cargo").host}/`

/** The error of a reader, which must be one that the user can act on, about a lockfile, at a file. */
export async function failureOf(
  read: () => Lockfile | Promise<Lockfile>,
): Promise<{ message: string; file?: string; line?: number }> {
  try {
    await read()
  } catch (error) {
    expect(error).toBeInstanceOf(NanoguardError)
    const { message, where, exit } = error as NanoguardError
    expect(exit).toBe(3)
    return {
      message,
      ...(where !== undefined && { file: where.file }),
      ...(where?.line !== undefined && { line: where.line }),
    }
  }
  throw new Error("it was read without an error")
}

/** `name@version` of each entry, in order. */
export function pinsOf(lockfile: Lockfile): string[] {
  return lockfile.dependencies.map(({ name, version }) => `${name}@${version}`)
}

/** Edges as `from -> to range`. */
export function edgesOf(lockfile: Lockfile): string[] {
  return lockfile.edges.map(({ from, to, range }) => `${from} -> ${to} ${range}`.trim())
}

export function entryOf(lockfile: Lockfile, name: string) {
  const entry = lockfile.dependencies.find((dependency) => dependency.name === name)
  if (entry === undefined) throw new Error(`no entry ${name}`)
  return entry
}

/** A hash in hex, and as the SRI hash that it must become. */
export const HEX = "ab".repeat(32)
export const SRI = `sha256-${Buffer.from(HEX, "hex").toString("base64")}`

/** What must hold of every lockfile, whatever the text: unique keys, edges and lines that lead somewhere, no silent emptiness of a purl. */
export function expectSound(lockfile: Lockfile): void {
  const keys = [...lockfile.dependencies.map((one) => one.key), ...lockfile.roots.map((root) => root.key)]
  expect(new Set(keys).size).toBe(keys.length)
  for (const { from, to } of lockfile.edges) expect(keys).toEqual(expect.arrayContaining([from, to]))
  for (const { key, purl, name } of lockfile.dependencies) {
    expect(lockfile.lineOf(key)).toBeGreaterThanOrEqual(1)
    expect(purl).toMatch(/^pkg:[a-z0-9.-]+\/[\x21-\x7e]+$/)
    expect(name).not.toMatch(/[\s\x00-\x1f\x7f]/)
  }
}
