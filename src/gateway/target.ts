// The address of a request to the gate: token, mount, and what lies below it.
import type { Ecosystem } from "../policy/types.ts"

export interface Target {
  /** From `/t/<token>/`, for clients that cannot send one. */
  token?: string
  ecosystem?: Ecosystem
  /** First segment of the mount's path. */
  mount: string
  /** Below the mount, with its leading slash. */
  path: string
  query: string
  /** All of the path, without the token. */
  rest: string
}

const MOUNTS: Readonly<Record<string, Ecosystem>> = { npm: "npm", pypi: "pypi", cargo: "cargo", go: "golang" }
const MAX_TARGET = 4096
/** Visible ASCII without a backslash, which some parsers take for a slash. */
const CHARACTERS = /^\/[\x21-\x5b\x5d-\x7e]*$/
const TOKEN = /^\/t\/([A-Za-z0-9_-]{1,128})(?=\/)/

/**
 * Reads a request target in origin form (RFC 9112, section 3.2.1); undefined for any other form, and for what no client of a
 * registry sends. Dot segments and empty ones are the protocols' to refuse: nothing here resolves them.
 */
export function readTarget(target: string): Target | undefined {
  if (target.length > MAX_TARGET || !CHARACTERS.test(target) || target.includes("#")) return undefined
  const mark = target.indexOf("?")
  const whole = mark < 0 ? target : target.slice(0, mark)
  const query = mark < 0 ? "" : target.slice(mark + 1)
  const token = TOKEN.exec(whole)
  const rest = token === null ? whole : whole.slice(token[0].length)
  const end = rest.indexOf("/", 1)
  const mount = end < 0 ? rest.slice(1) : rest.slice(1, end)
  const ecosystem = Object.hasOwn(MOUNTS, mount) ? MOUNTS[mount] : undefined
  const path = end < 0 ? "/" : rest.slice(end)
  return { ...(token && { token: token[1]! }), ...(ecosystem && { ecosystem }), mount, path, query, rest }
}
