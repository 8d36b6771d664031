// The part of a name that only its owner can publish under: an npm scope, or a Go module's host and account.
import type { Ecosystem } from "../policy/types.ts"

const GO_MAJOR = /(\/v\d+|\.v\d+)$/

/** A name as [owner, rest]; the owner is "" for a name that anybody may take. */
export function splitOwner(ecosystem: Ecosystem, name: string): [string, string] {
  if (ecosystem === "golang") {
    const [host = "", account = "", ...rest] = name.replace(GO_MAJOR, "").split("/")
    return rest.length === 0 ? [host, account] : [`${host}/${account}`, rest.join("/")]
  }
  if (!name.startsWith("@")) return ["", name]
  const slash = name.indexOf("/")
  return slash < 0 ? ["", name] : [name.slice(1, slash), name.slice(slash + 1)]
}
