// Texts that npm reads otherwise than they stand there. It takes `node_modules/a/../b` for b, and hands name and version of an
// entry without an address to its parser of wishes, for which `npm:b@1`, a URL, `^1` and `latest` are all good versions.
import type { Dependency } from "../types.ts"
import type { Fail } from "./npmTree.ts"

// Whatever else stands in a name, npm refuses it or asks the registry for just that.
const NAME = /^(?:@[^@/\\]+\/)?[^@/\\]+$/
const VERSION = /^\d+\.\d+\.\d+[0-9A-Za-z.+-]*$/

/** Throws where npm would install something else than an installed entry says, or somewhere else. */
export function assertPlain(key: string, dependency: Dependency, fail: Fail): void {
  const { name, alias = name, version, source } = dependency
  if (!isPath(key) || !isName(alias)) throw fail(key, "a path that npm takes for another one")
  if (!isName(name)) throw fail(key, '"name" is no package name')
  if (source.kind === "registry" && version !== "" && !VERSION.test(version))
    throw fail(key, '"version" is not one exact version')
}

/** No step stands still or leads back, but for those out of the project that it may begin with. */
function isPath(key: string): boolean {
  if (!/(^|\/)\.{0,2}(\/|$)|\\/.test(key)) return true
  const inside = key.replace(/^(\.\.\/)+/, "")
  return !/(^|\/)\.{0,2}(\/|$)|\\/.test(inside)
}

function isName(name: string): boolean {
  return NAME.test(name) && name !== "." && name !== ".."
}
