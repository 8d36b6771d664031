// package.json files beside a lockfile, for what the lockfile itself leaves out.
import { posix } from "node:path"
import type { ReadSibling } from "../types.ts"
import { isObject, type JsonObject, parseJson } from "./json.ts"

/** The package.json in `directory` (relative to the lockfile at `path`), undefined where there is none; a broken one throws. */
export async function readManifest(
  path: string,
  readSibling: ReadSibling,
  directory = ".",
): Promise<JsonObject | undefined> {
  const relative = posix.join(directory, "package.json")
  const text = readSibling(relative)
  if (text === undefined) return undefined
  const manifest = await parseJson(text, posix.join(posix.dirname(path), relative))
  return isObject(manifest) ? manifest : undefined
}

/** A field of names and ranges; anything but a text in it does not count. */
export function rangesIn(manifest: JsonObject | undefined, field: string): Map<string, string> {
  const value = manifest?.[field]
  const ranges = new Map<string, string>()
  if (isObject(value)) for (const name in value) if (typeof value[name] === "string") ranges.set(name, value[name])
  return ranges
}

/** The package's own name, or what stands in for it. */
export function nameOf(manifest: JsonObject | undefined, otherwise: string): string {
  return typeof manifest?.["name"] === "string" ? manifest["name"] : otherwise
}
