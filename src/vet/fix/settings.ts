// Settings that a repository brings for package managers. A copy gets those that say where packages come from and how they
// are resolved; what would make a manager run a program of the repository's choosing stays behind.
import { basename } from "node:path"
import { parse as parseToml, stringify as writeToml } from "smol-toml"
import { parse as parseYaml, stringify as writeYaml } from "yaml"
import { withoutVariables } from "./variables.ts"

/** Programs that managers load by themselves, toolchains, installed packages and build output. */
const LEFT_OUT_NAMES =
  /^(\.pnpmfile\.[cm]?js|pnpmfile\.js|yarn\.config\.[cm]?js|rust-toolchain(\.toml)?|\.python-version|\.pdm-python|\.env(\..+)?|\.corepack\.env)$/
const LEFT_OUT_DIRECTORIES =
  /(^|\/)(\.git|node_modules|bower_components|target|\.venv|venv|\.tox|\.nox|__pycache__|__pypackages__|\.pdm-plugins|\.poetry)\//

/** Whether a path is not copied at all. Of `.yarn` only patches are: the rest is releases, plugins and caches. */
export function isLeftOut(path: string): boolean {
  if (/(^|\/)\.yarn\//.test(path)) return !/(^|\/)\.yarn\/patches\//.test(path)
  return LEFT_OUT_NAMES.test(basename(path)) || LEFT_OUT_DIRECTORIES.test(path)
}

/** Keys of .npmrc (npm and pnpm) that only say where packages come from and how they are resolved. */
const NPMRC =
  /^(registry|@[^:=]+:registry|\/\/[^=]+|always-auth|legacy-peer-deps|strict-peer-dep(endencie)?s|save-exact|save-prefix|lockfile-version|engine-strict|min-release-age|minimum-release-age|before|auto-install-peers|dedupe-[\w-]+|resolution-mode|resolve-peers-from-workspace-root|exclude-links-from-lockfile|link-workspace-packages|prefer-workspace-packages|shared-workspace-lockfile|node-linker|hoist|shamefully-hoist|strict-ssl|replace-registry-host|install-links|install-strategy|inject-workspace-packages)(\[\])?\s*=/
const YARNRC = /^"?(registry|@[^\s"]+:registry|strict-ssl|workspaces-experimental|save-prefix)"?[\s:]/
const YARNRC_YML =
  /^(npm[A-Z]\w*|nodeLinker|packageExtensions|supportedArchitectures|defaultSemverRangePrefix|compressionLevel|checksumBehavior|catalogs?|unsafeHttpWhitelist|networkSettings|https?Proxy|enableTransparentWorkspaces|enableStrictSsl|nm[A-Z]\w*|pnp[A-Z]\w*|approvedGitRepositories)$/
/** Dotted keys of TOML files; `*` is any one key. What is below a named key comes with it. */
const TOML: ReadonlyMap<string, readonly string[]> = new Map([
  [
    "bunfig.toml",
    ["registry", "scopes", "exact", "minimumReleaseAge", "minimumReleaseAgeExcludes", "saveTextLockfile", "linker"].map(
      (key) => `install.${key}`,
    ),
  ],
  ["config.toml", ["source", "registries.*.index", "registry.default", "net.git-fetch-with-cli", "net.offline"]],
  ["pdm.toml", ["pypi", "resolution", "strategy"]],
  ["poetry.toml", ["repositories", "solver"]],
  [
    "uv.toml",
    [
      ...["index", "index-url", "extra-index-url", "index-strategy", "exclude-newer", "resolution", "prerelease"],
      ...["constraint-dependencies", "override-dependencies", "environments", "required-environments", "sources"],
    ],
  ],
])

/**
 * The text that a settings file has in the copy; undefined where the file is not one of settings and is copied as it is.
 * `read` gives its text. A file that cannot be read as what it is keeps nothing.
 */
export function cleanSettings(path: string, read: () => string): string | undefined {
  const name = basename(path)
  if (name === ".npmrc") return keepLines(read(), NPMRC)
  if (name === ".yarnrc") return keepLines(read(), YARNRC)
  if (name === ".yarnrc.yml") return keepYaml(read())
  const isCargo = /(^|\/)\.cargo\/config(\.toml)?$/.test(path)
  const kept = TOML.get(isCargo ? "config.toml" : name)
  return kept === undefined || (name === "config.toml" && !isCargo) ? undefined : keepToml(read(), kept)
}

/** A variable of the environment in a value, or an escape in quotes that could be one: an address with a token of this machine in it is asked for. */
const VARIABLE = /\$\{|["'].*\\/

/** Lines as the managers split them: a lone CR ends one too. */
function keepLines(text: string, kept: RegExp): string {
  const lines = text.split(/[\r\n]+/).filter((line) => kept.test(line.trim()) && !VARIABLE.test(line))
  return lines.length > 0 ? `${lines.join("\n")}\n` : ""
}

// Read and written anew, not filtered as text: keys can be spelt in more ways than one would think of.
function keepYaml(text: string): string {
  try {
    const hidden = (_key: unknown, value: unknown) =>
      typeof value === "string" && value.includes("${") ? undefined : value
    const settings: unknown = parseYaml(text, hidden, { maxAliasCount: 100 })
    if (typeof settings !== "object" || settings === null || Array.isArray(settings)) return ""
    const entries = Object.entries(settings).filter(([key]) => YARNRC_YML.test(key))
    return entries.length === 0 ? "" : writeYaml(Object.fromEntries(entries))
  } catch {
    return ""
  }
}

function keepToml(text: string, kept: readonly string[]): string {
  try {
    const settings = parseToml(text)
    const result: Record<string, unknown> = Object.create(null)
    for (const path of kept) copyPath(settings, result, path.split("."))
    // bun takes `$NAME` for a variable, PDM `${NAME}`.
    return writeToml(withoutVariables(result))
  } catch {
    return ""
  }
}

function copyPath(from: unknown, to: Record<string, unknown>, [key = "", ...rest]: readonly string[]): void {
  if (typeof from !== "object" || from === null) return
  const names = key === "*" ? Object.keys(from) : [key]
  for (const name of names) {
    if (!Object.hasOwn(from, name) || name === "__proto__") continue
    const value = (from as Record<string, unknown>)[name]
    if (rest.length === 0) to[name] = value
    else {
      const below = (to[name] ?? Object.create(null)) as Record<string, unknown>
      copyPath(value, below, rest)
      if (Object.keys(below).length > 0) to[name] = below
    }
  }
}
