// From a directory listing to facts. Pure, so that every combination is a table in a test.
import { parseForeignJson } from "../foreign-json.ts"
import type { Agent, Ci, Engine, Facts, Found, FoundManager, Manager } from "./types.ts"

/** What `readListing` saw. Paths are relative to the root, with forward slashes; directories end with one. */
export interface Listing {
  paths: readonly string[]
  /** Contents of the few files that detection reads, by path; absent where missing, too large or no regular file. */
  texts: ReadonlyMap<string, string>
  /** Container engines found on PATH. */
  engines: readonly Engine[]
  git: boolean
}

/** Files whose text `detectFacts` looks at. */
export const READ_FOR_DETECTION = ["package.json", "yarn.lock", "pyproject.toml", ".git/config"] as const

const LOCKFILES: readonly [RegExp, Manager][] = [
  [/^(package-lock|npm-shrinkwrap)\.json$/, "npm"],
  [/^pnpm-lock\.yaml$/, "pnpm"],
  [/^yarn\.lock$/, "yarn"],
  [/^bun\.lockb?$/, "bun"],
  [/^uv\.lock$/, "uv"],
  [/^poetry\.lock$/, "poetry"],
  [/^pdm\.lock$/, "pdm"],
  [/^Pipfile\.lock$/, "pipenv"],
  [/^[\w.-]*requirements[\w.-]*\.txt$/, "pip"],
  [/^pylock(\.[^.]+)?\.toml$/, "pip"],
  [/^Cargo\.lock$/, "cargo"],
  [/^go\.mod$/, "go"],
]

const MANIFESTS: readonly [string, Manager][] = [
  ["pnpm-workspace.yaml", "pnpm"],
  [".yarnrc.yml", "yarn"],
  ["bunfig.toml", "bun"],
  ["uv.toml", "uv"],
  ["Pipfile", "pipenv"],
  ["Cargo.toml", "cargo"],
]

const AGENT_TRACES: readonly [string, Agent][] = [
  [".claude/", "claude"],
  ["CLAUDE.md", "claude"],
  [".codex/", "codex"],
  ["AGENTS.md", "codex"],
  [".gemini/", "gemini"],
  ["GEMINI.md", "gemini"],
  ["container/agent-runner/", "nanoclaw"],
]

const CI_TRACES: readonly [string, Ci][] = [
  [".github/", "github"],
  [".gitlab-ci.yml", "gitlab"],
]

/** Says what is in a repository: package managers, lockfiles, agents, CI, engines. */
export function detectFacts(listing: Listing): Facts {
  const paths = new Set(listing.paths)
  const lockfiles = listing.paths.filter((path) => managerOf(path) !== undefined)
  const found = <Name extends string>(traces: readonly [string, Name][]): Found<Name>[] =>
    firstOfEach(traces.filter(([path]) => paths.has(path)).map(([why, name]) => ({ name, why })))
  const agents = found(AGENT_TRACES)
  if (packageJson(listing)?.["name"] === "nanoclaw") agents.push({ name: "nanoclaw", why: "package.json" })
  return {
    git: listing.git,
    managers: detectManagers(listing, lockfiles, found(MANIFESTS)),
    lockfiles,
    agents: firstOfEach(agents),
    ci: firstOfEach([...found(CI_TRACES), ...remoteCi(listing.texts.get(".git/config"))]),
    engines: [...listing.engines],
  }
}

function detectManagers(listing: Listing, lockfiles: readonly string[], manifests: Found<Manager>[]): FoundManager[] {
  const managers: FoundManager[] = []
  const stated = packageJson(listing)?.["packageManager"]
  const pinned = typeof stated === "string" ? /^(npm|pnpm|yarn|bun)@(\d{1,4})\./.exec(stated) : null
  if (pinned) managers.push({ name: pinned[1] as Manager, why: "package.json", major: Number(pinned[2]) })
  for (const path of lockfiles) {
    const name = managerOf(path)!
    const major = path === "yarn.lock" ? yarnMajor(listing.texts.get(path)) : undefined
    managers.push({ name, why: path, ...(major !== undefined && { major }) })
  }
  managers.push(...manifests)
  const javascript = managers.some((m) => ["npm", "pnpm", "yarn", "bun"].includes(m.name))
  if (!javascript && listing.texts.has("package.json")) managers.push({ name: "npm", why: "package.json" })
  const tool = /^\[tool\.(uv|poetry|pdm)[\].]/m.exec(listing.texts.get("pyproject.toml") ?? "")
  if (tool) managers.push({ name: tool[1] as Manager, why: "pyproject.toml" })
  return firstOfEach(managers)
}

function managerOf(path: string): Manager | undefined {
  const name = path.slice(path.lastIndexOf("/") + 1)
  return LOCKFILES.find(([pattern]) => pattern.test(name))?.[1]
}

/** Where nothing in the tree says which CI there is, the host of a remote does. */
function remoteCi(config: string | undefined): Found<Ci>[] {
  const host = /^\s*url\s*=\s*(?:[a-z+]+:\/\/)?(?:[^@/\s]+@)?(github|gitlab)\.com[:/]/m.exec(config ?? "")
  return host ? [{ name: host[1] as Ci, why: ".git/config" }] : []
}

/** yarn 1 writes a comment into its lockfile, later ones a `__metadata` entry. */
function yarnMajor(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (/^# yarn lockfile v1$/m.test(text)) return 1
  return /^__metadata:/m.test(text) ? 4 : undefined
}

function packageJson(listing: Listing): Record<string, unknown> | undefined {
  try {
    const value: unknown = parseForeignJson(listing.texts.get("package.json") ?? "null")
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

function firstOfEach<T extends { name: string }>(found: readonly T[]): T[] {
  const seen = new Set<string>()
  return found.filter(({ name }) => !seen.has(name) && seen.add(name))
}
