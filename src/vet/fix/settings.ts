// Settings that a repository brings for package managers. A copy gets those that say where packages come from and how they
// are resolved; what would make a manager run a program of the repository's choosing stays behind.
import { basename } from "node:path"

/** Programs that managers load by themselves, toolchains, installed packages and build output. */
const LEFT_OUT_NAMES =
  /^(\.pnpmfile\.[cm]?js|pnpmfile\.js|yarn\.config\.[cm]?js|rust-toolchain(\.toml)?|\.python-version|\.pdm-python|\.env(\..+)?)$/
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
/** .yarnrc.yml: keys at the top that load code or point elsewhere, each with what is indented below it. */
const YARNRC_YML =
  /^["']?(yarnPath|plugins|initScope|ignorePath|constraintsPath|injectEnvironmentFiles|httpsKeyFilePath|enableScripts|enableConstraintsChecks|globalFolder|cacheFolder|virtualFolder|deferredVersionFolder|installStatePath|patchFolder|rcFilename|lockfileFilename)["']?\s*:/

/**
 * The text that a settings file has in the copy; undefined where the file is not one of settings and is copied as it is.
 * `read` gives its text.
 */
export function cleanSettings(path: string, read: () => string): string | undefined {
  switch (basename(path)) {
    case ".npmrc":
      return keepLines(read(), NPMRC)
    case ".yarnrc":
      return keepLines(read(), YARNRC)
    case ".yarnrc.yml":
      return dropKeys(read(), YARNRC_YML)
    case "bunfig.toml":
      return keepSections(
        read(),
        /^install(\.scopes(\..+)?)?$/,
        /^\s*(security|scanner|globalDir|globalBinDir|cache)\b/,
      )
    case "config.toml":
    case "config":
      if (!/(^|\/)\.cargo\/config(\.toml)?$/.test(path)) return undefined
      return keepSections(read(), /^(source\..+|registries\..+|registry|net)$/, /^\s*(global-)?credential-provider/)
    case "pdm.toml":
      return keepSections(read(), /^(pypi(\..+)?|resolution|strategy)$/, /^$/)
    case "poetry.toml":
      return keepSections(read(), /^(repositories(\..+)?|solver)$/, /^$/)
    case "uv.toml":
      return keepSections(read(), /^(index|pip|)$/, /^\s*(cache-dir|python|build-constraint|no-build-isolation)/)
    default:
      return undefined
  }
}

function keepLines(text: string, kept: RegExp): string {
  const lines = text.split(/\r?\n/).filter((line) => kept.test(line.trim()))
  return lines.length > 0 ? `${lines.join("\n")}\n` : ""
}

/** YAML's top level, line by line: block style, as yarn writes it. A file in flow style keeps nothing. */
function dropKeys(text: string, dropped: RegExp): string {
  if (
    /^\s*[{[]/m.test(
      text
        .replace(/^(#.*|---\s*)$/gm, "")
        .trimStart()
        .slice(0, 1),
    )
  )
    return ""
  const lines: string[] = []
  let keeps = true
  for (const line of text.split(/\r?\n/)) {
    if (/^[^\s#-]/.test(line)) keeps = !dropped.test(line) && !/^[?&!*|>]/.test(line)
    if (keeps) lines.push(line)
  }
  return lines.join("\n")
}

/** TOML's tables by their headers; keys before the first header only where `sections` has the empty name. */
function keepSections(text: string, sections: RegExp, dropped: RegExp): string {
  const lines: string[] = []
  let keeps = sections.test("")
  for (const line of text.split(/\r?\n/)) {
    const header = /^\s*\[\[?\s*([^\]]+?)\s*\]\]?/.exec(line)?.[1]
    if (header !== undefined) keeps = sections.test(header.replaceAll(/["'\s]/g, ""))
    if (keeps && !dropped.test(line)) lines.push(line)
  }
  return `${lines.join("\n")}\n`
}
