// The gate's address as each package manager's own setting, for a repository whose every checkout has a gate. Data in, file edits
// out. docs/clients.md says what each was tried with.
import type { NativePlan } from "./native.ts"
import type { FoundManager } from "./types.ts"

/** Edits that point the managers that were found at the gate; `hasUvToml` because uv ignores `[tool.uv]` beside a uv.toml. */
export function planGateway(gateway: string, managers: readonly FoundManager[], hasUvToml: boolean): NativePlan {
  const plan: NativePlan = { edits: [], notes: [] }
  for (const manager of managers) {
    const { edits, notes } = settingsOf(gateway, manager, hasUvToml)
    for (const edit of edits) if (!plan.edits.some(({ path }) => path === edit.path)) plan.edits.push(edit)
    plan.notes.push(...notes)
  }
  if (plan.edits.length > 0) {
    plan.notes.push(`Whoever works here needs a gate at ${gateway}: nanoguard gateway start`)
  }
  return plan
}

function settingsOf(gateway: string, { name, major }: FoundManager, hasUvToml: boolean): NativePlan {
  const note = (text: string): NativePlan => ({ edits: [], notes: [text] })
  const one = (edit: NativePlan["edits"][number]): NativePlan => ({ edits: [edit], notes: [] })
  const simple = `${gateway}/pypi/simple/`
  switch (name) {
    case "yarn":
      if (major === 1) return npmrc(gateway)
      return one({
        path: ".yarnrc.yml",
        format: "yaml",
        additions: [
          { path: ["npmRegistryServer"], value: `${gateway}/npm` },
          ...(gateway.startsWith("http:")
            ? [{ path: ["unsafeHttpWhitelist"], value: [new URL(gateway).hostname] }]
            : []),
        ],
      })
    case "npm":
    case "pnpm":
    case "bun":
      return npmrc(gateway)
    case "uv":
      return hasUvToml
        ? one({ path: "uv.toml", format: "toml", additions: [{ path: ["index-url"], value: simple }] })
        : one({
            path: "pyproject.toml",
            format: "toml",
            additions: [{ path: ["tool", "uv", "index-url"], value: simple }],
          })
    case "pdm":
      return one({ path: "pdm.toml", format: "toml", additions: [{ path: ["pypi", "url"], value: simple }] })
    case "poetry":
      return note(`Poetry: poetry source add --priority=primary nanoguard ${simple}`)
    case "cargo":
      return one({
        path: ".cargo/config.toml",
        format: "toml",
        additions: [
          { path: ["source", "crates-io", "replace-with"], value: "nanoguard" },
          { path: ["source", "nanoguard", "registry"], value: `sparse+${gateway}/cargo/index/` },
        ],
      })
    case "go":
      return note(`Go reads no settings from a repository. Set GOPROXY=${gateway}/go`)
    default:
      return note(`${name} reads no settings from a repository. Set PIP_INDEX_URL=${simple}`)
  }
}

function npmrc(gateway: string): NativePlan {
  // A lockfile without addresses is good behind the gate and without it.
  const additions = [
    { path: ["registry"], value: `${gateway}/npm/` },
    { path: ["omit-lockfile-registry-resolved"], value: true },
  ]
  return { edits: [{ path: ".npmrc", format: "ini", additions }], notes: [] }
}
