// What one word of an installing command names: a package of a registry, or something that lies elsewhere.
import type { Family } from "./around-commands.ts"

export interface FoundSource {
  kind: "git" | "url" | "file" | "registry"
  /** As what was typed states them; a repository's own name is nobody's word for a package. */
  name?: string
  version?: string
}

/** Longer words are cut: none of the forms below needs more of them. */
const MAX = 4096
const GIT =
  /^(?:(?:git|hg|svn|bzr)(?:\+[a-z]+)?:|ssh:|(?:github|gitlab|bitbucket|gist):|[\w.-]+@[\w-]+\.[\w.-]+:(?!\/\/)|https?:\/\/[^#?]*\.git(?:[#?@]|$))/i
const URL_FORM = /^(?:https?|ftp):/i
/** `user/repository`, which npm's clients look for on GitHub. */
const SHORTHAND = /^[A-Za-z0-9_-][\w.-]*\/[\w.-]+(?:#.*)?$/
const ARCHIVE = /\.(?:tgz|tar(?:\.(?:gz|bz2|xz|zst))?|zip|whl|egg|crate)(?:[?#].*)?$/i
const LOCAL = /^(?:file:|\.{0,2}\/|~\/|[A-Za-z]:[\\/])/

/** Undefined for what a registry is asked for, and for folders. `repository` is what Cargo's `--git` says. */
export function sourceOf(family: Family, word: string, repository?: string): FoundSource | undefined {
  const spec = word.slice(0, MAX).trim()
  if (family === "cargo") {
    const name = spec.split("@", 1)[0]!
    return repository === undefined ? undefined : { kind: "git", name }
  }
  return family === "js" ? scriptSource(spec) : pythonSource(spec)
}

function scriptSource(spec: string): FoundSource | undefined {
  const whole = kindOf(spec)
  if (whole !== undefined) return { kind: whole, ...(whole === "url" && inRegistryAddress(spec)) }
  if (SHORTHAND.test(spec)) return { kind: "git" }
  const [, name, rest] = /^((?:@[^@/\s]+\/)?[^@/\s:]+)@(.+)$/.exec(spec) ?? []
  const source = rest ?? spec
  if (/^jsr:/.test(source)) return { kind: "registry" }
  const kind = kindOf(source) ?? (rest !== undefined && SHORTHAND.test(rest) ? "git" : undefined)
  return kind && { kind, ...(kind === "url" && inRegistryAddress(source)), ...(name !== undefined && { name }) }
}

/** PEP 508: `name[extra] @ address`; older: `address#egg=name`. */
function pythonSource(spec: string): FoundSource | undefined {
  const [, named, address = spec] =
    /^([A-Za-z0-9][\w.-]*)(?:\[[^\]]*\])?\s*@\s*(.+)$/.exec(kindOf(spec) === undefined ? spec : "") ?? []
  const kind = kindOf(address)
  if (kind === undefined) return undefined
  const egg = /[#&]egg=([A-Za-z0-9][\w.-]*)/.exec(address)?.[1]
  const inside = kind === "git" ? undefined : inFileName(address)
  const name = named ?? egg ?? inside?.name
  return { kind, ...inside, ...(name !== undefined && { name: name.replace(/[-_.]+/g, "-").toLowerCase() }) }
}

function kindOf(spec: string): FoundSource["kind"] | undefined {
  if (GIT.test(spec)) return "git"
  if (URL_FORM.test(spec)) return "url"
  return ARCHIVE.test(spec) && (LOCAL.test(spec) || !/[@\s:]/.test(spec)) ? "file" : undefined
}

/** `.../name/-/name-1.2.3.tgz`, as npm's registries name archives. */
function inRegistryAddress(address: string): Pick<FoundSource, "name" | "version"> | undefined {
  const path = URL.parse(address)?.pathname.replace(/%2f/gi, "/") ?? ""
  const [, name, base, file] = /\/((?:@[\w.-]+\/)?([\w.-]+))\/-\/([\w.+-]+)\.tgz$/.exec(path) ?? []
  if (name === undefined || !file!.startsWith(`${base!}-`)) return undefined
  return { name, version: file!.slice(base!.length + 1) }
}

/** `name-1.2.3-py3-none-any.whl` and `name-1.2.3.tar.gz`. */
function inFileName(address: string): { name: string; version: string } | undefined {
  const file = /([^/\\?#]+)(?:[?#].*)?$/.exec(address)?.[1] ?? ""
  const [, name, version] =
    /^([A-Za-z0-9][\w.]*)-([0-9][\w.!+]*)(?:-[\w.]+){3,4}\.whl$/.exec(file) ??
    /^([A-Za-z0-9][\w.-]*?)-([0-9][\w.!+]*)\.(?:tar\.gz|tar\.bz2|tgz|zip)$/.exec(file) ??
    []
  return name === undefined ? undefined : { name, version: version! }
}
