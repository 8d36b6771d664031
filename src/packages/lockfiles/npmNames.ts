// Texts that npm reads otherwise than they stand there. It takes `node_modules/a/../b` for b, and hands name and version of an
// entry without an address to its parser of wishes, for which `npm:b@1`, a URL, `^1` and `latest` are all good versions.
import type { Dependency } from "../types.ts"
import type { Fail } from "./npmTree.ts"

// Whatever else stands in a name, npm refuses it or asks the registry for just that.
const NAME = /^(?:@[^@/\\]+\/)?[^@/\\]+$/
const VERSION = /^\d+\.\d+\.\d+[0-9A-Za-z.+-]*$/

/** Throws where npm would install something else than an installed entry says, or somewhere else. */
export function assertPlain(key: string, dependency: Dependency, fail: Fail): void {
  if (!isPath(key)) throw fail(key, "a path that npm takes for another one")
  assertNamed(dependency, (message) => fail(key, message))
}

/**
 * Throws where the name could be part of another address than its own (`a/../b`), or where an entry from a registry has
 * something for a version that a package manager would look up anew (`latest`, `^1`, `npm:b@1`, a URL).
 */
export function assertNamed(dependency: Dependency, fail: (message: string) => Error): void {
  const { name, alias, version, source } = dependency
  if (!isName(name) || (alias !== undefined && !isName(alias))) throw fail("what stands for its name is none")
  if (source.kind === "registry" && version !== "" && !VERSION.test(version))
    throw fail("what stands for its version is not one exact version")
}

// A step that stands still or leads back, or a separator of Windows; and what a path without any of these never has.
const DETOUR = /(^|\/)\.{0,2}(\/|$)|\\/
const MAY_DETOUR = /\/\.|\/\/|\/$|^[./]|\\/

/** Steps out of the project are what a path may begin with. */
function isPath(key: string): boolean {
  return !MAY_DETOUR.test(key) || !DETOUR.test(key.replace(/^(\.\.\/)+/, ""))
}

function isName(name: string): boolean {
  return NAME.test(name) && name !== "." && name !== ".."
}
