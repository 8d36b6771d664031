// Which module proxies are in use, by Go's own configuration (go.dev/ref/mod#environment-variables): the environment, the
// user's go/env, the go.env of the installed Go.
import { dirname, join } from "node:path"
import type { Context } from "../../context.ts"
import { homeDirectory } from "../../home.ts"
import { findProgram, parseBase, parseIni, readUserFile } from "./config-files.ts"

export interface GoConfig {
  /** In order; empty where Go may ask no proxy; undefined where Go's own default counts. */
  proxies?: readonly { baseUrl: string; basic?: string }[]
  /** The module is private: no proxy may hear of it. */
  isPrivate: (name: string) => boolean
}

/** Go's settings for module proxies. */
export function readGoConfig(edge: Pick<Context, "cwd" | "env">): GoConfig {
  const { env } = edge
  const go = findProgram(edge, "go")
  const root = env.GOROOT || (go === undefined ? undefined : dirname(dirname(go.real)))
  const home = homeDirectory(edge.env)
  const files = [
    ...(env.GOENV === "off" ? [] : [env.GOENV || join(env.XDG_CONFIG_HOME || join(home, ".config"), "go", "env")]),
    join(home, "Library", "Application Support", "go", "env"),
    ...(env.AppData ? [join(env.AppData, "go", "env")] : []),
    ...(root === undefined ? [] : [join(root, "go.env")]),
  ].map((file) => parseIni(readUserFile(edge, file) ?? "").get("")!)
  const lookup = (key: string) => env[key] || files.find((file) => file.get(key))?.get(key)
  const proxies = lookup("GOPROXY")
  const patterns = (lookup("GONOPROXY") ?? lookup("GOPRIVATE") ?? "").split(",").filter((pattern) => pattern !== "")
  return {
    ...(proxies !== undefined && { proxies: proxiesOf(proxies) }),
    isPrivate: (name) => patterns.some((pattern) => matchesPrefix(pattern.trim(), name)),
  }
}

/** Up to the first "direct" or "off": what comes after those is never asked. */
function proxiesOf(list: string): { baseUrl: string; basic?: string }[] {
  const proxies: { baseUrl: string; basic?: string }[] = []
  for (const entry of list.split(/[,|]/).map((text) => text.trim())) {
    if (entry === "direct" || entry === "off") break
    const base = parseBase(entry)
    if (base !== undefined) proxies.push(base)
  }
  return proxies
}

/** A glob as path.Match has them, against as many leading elements of the name as it has itself. */
function matchesPrefix(pattern: string, name: string): boolean {
  const globs = pattern.replace(/\/+$/, "").split("/")
  const elements = name.split("/")
  return globs.length <= elements.length && globs.every((glob, at) => matchesElement(glob, elements[at]!))
}

/** `*` and `?` only; a pattern with brackets counts as matching, so that a name is rather kept private. */
function matchesElement(glob: string, text: string): boolean {
  if (/[[\]\\]/.test(glob)) return true
  let star = -1
  let resume = 0
  let g = 0
  let t = 0
  while (t < text.length) {
    if (glob[g] === "*") {
      star = g++
      resume = t
    } else if (glob[g] === "?" || glob[g] === text[t]) {
      g++
      t++
    } else if (star !== -1) {
      g = star + 1
      t = ++resume
    } else return false
  }
  while (glob[g] === "*") g++
  return g === glob.length
}
