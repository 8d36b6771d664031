// The same policy as each package manager's own settings, so that a plain install already waits and refuses. Data in, file
// edits out. Units differ by manager; every setting was tried with the real one (test/long/native.test.ts).
import type { Addition } from "./merge/additions.ts"
import type { FoundManager } from "./types.ts"

/** The part of a policy that package managers have settings for. */
export interface NativePolicy {
  /** Seconds since publication below which a release is refused. */
  age?: number
  /** Install scripts need an approval. */
  scripts: boolean
  /** npm packages whose scripts an exception in force approves. */
  approved: string[]
  /** Kinds of source that are denied. */
  deniedSources: ("git" | "url")[]
  /** A release must not have weaker provenance than those before it. */
  noDowngrade: boolean
}

export interface NativeEdit {
  path: string
  format: "json" | "toml" | "yaml" | "ini"
  additions: Addition[]
}

export interface NativePlan {
  edits: NativeEdit[]
  notes: string[]
}

const DAY = 86_400

/** Edits for each manager that was found; `hasUvToml` because uv ignores `[tool.uv]` beside a uv.toml. */
export function planNative(policy: NativePolicy, managers: readonly FoundManager[], hasUvToml: boolean): NativePlan {
  const plan: NativePlan = { edits: [], notes: [] }
  for (const manager of managers) {
    const made = settingsOf(policy, manager, hasUvToml)
    plan.edits.push(...made.edits.filter((edit) => edit.additions.length > 0))
    plan.notes.push(...made.notes)
  }
  return plan
}

function settingsOf(policy: NativePolicy, { name, major }: FoundManager, hasUvToml: boolean): NativePlan {
  const edits = (...list: NativeEdit[]): NativePlan => ({ edits: list, notes: [] })
  const note = (text: string): NativePlan => ({ edits: [], notes: policy.age === undefined ? [] : [text] })
  switch (name) {
    case "npm":
      return edits(
        { path: ".npmrc", format: "ini", additions: npmrc(policy) },
        { path: "package.json", format: "json", additions: approvals(policy, ["allowScripts"]) },
      )
    case "pnpm":
      return edits({ path: "pnpm-workspace.yaml", format: "yaml", additions: pnpm(policy) })
    case "yarn":
      if (major === 1)
        return note("Yarn 1 has no setting for a minimum release age; `nanoguard vet` is what checks it.")
      return edits(
        { path: ".yarnrc.yml", format: "yaml", additions: yarn(policy) },
        {
          path: "package.json",
          format: "json",
          additions: policy.scripts
            ? policy.approved.map((pkg) => ({ path: ["dependenciesMeta", pkg, "built"], value: true }))
            : [],
        },
      )
    case "bun":
      return edits(
        { path: "bunfig.toml", format: "toml", additions: age(policy, ["install", "minimumReleaseAge"], (s) => s) },
        {
          path: "package.json",
          format: "json",
          // An empty list also takes away bun's own list of trusted packages.
          additions: policy.scripts ? [{ path: ["trustedDependencies"], value: policy.approved }] : [],
        },
      )
    case "uv": {
      const days = (seconds: number) => `${Math.ceil(seconds / DAY)} days`
      return hasUvToml
        ? edits({ path: "uv.toml", format: "toml", additions: age(policy, ["exclude-newer"], days) })
        : edits({
            path: "pyproject.toml",
            format: "toml",
            additions: age(policy, ["tool", "uv", "exclude-newer"], days),
          })
    }
    case "pip":
      return note(
        "pip reads no settings from a repository. Set PIP_UPLOADED_PRIOR_TO=" +
          `P${Math.ceil((policy.age ?? 0) / DAY)}D where pip 26 or later runs.`,
      )
    default:
      return note(`${name} has no setting for a minimum release age; \`nanoguard vet\` is what checks it.`)
  }
}

/** npm 11.10+: days. `strict-allow-scripts` makes npm 11 refuse what npm 12 leaves out with a warning. */
function npmrc(policy: NativePolicy): Addition[] {
  return [
    ...age(policy, ["min-release-age"], (seconds) => Math.ceil(seconds / DAY)),
    ...(policy.scripts ? [{ path: ["strict-allow-scripts"], value: true }] : []),
    ...(policy.deniedSources.includes("git") ? [{ path: ["allow-git"], value: "none" }] : []),
    ...(policy.deniedSources.includes("url") ? [{ path: ["allow-remote"], value: "none" }] : []),
  ]
}

/** pnpm 10.26+ and later: minutes. Build scripts are off by default; `allowBuilds` names those that are on. */
function pnpm(policy: NativePolicy): Addition[] {
  return [
    ...age(policy, ["minimumReleaseAge"], (seconds) => Math.ceil(seconds / 60)),
    ...(policy.noDowngrade ? [{ path: ["trustPolicy"], value: "no-downgrade" }] : []),
    ...(policy.deniedSources.length > 0 ? [{ path: ["blockExoticSubdeps"], value: true }] : []),
    ...(policy.scripts && policy.approved.length > 0
      ? [{ path: ["allowBuilds"], value: Object.fromEntries(policy.approved.map((name) => [name, true])) }]
      : []),
  ]
}

/** Yarn 4.10+: a duration. */
function yarn(policy: NativePolicy): Addition[] {
  const duration = (seconds: number) => (seconds % DAY === 0 ? `${seconds / DAY}d` : `${Math.ceil(seconds / 60)}m`)
  return [
    ...age(policy, ["npmMinimalAgeGate"], duration),
    ...(policy.scripts ? [{ path: ["enableScripts"], value: false }] : []),
  ]
}

function age(policy: NativePolicy, path: string[], convert: (seconds: number) => unknown): Addition[] {
  return policy.age === undefined ? [] : [{ path, value: convert(policy.age) }]
}

function approvals(policy: NativePolicy, path: string[]): Addition[] {
  return policy.scripts ? policy.approved.map((name) => ({ path: [...path, name], value: true })) : []
}
