// What each agent's own settings get. They only ever tighten, and they are a courtesy: an agent that can write files can
// write these, so the boundary is the policy in force outside, and CI.
import type { Wanted } from "./plan.ts"
import { readTemplate } from "./templates.ts"
import type { Agent } from "./types.ts"

/** Commands that are a person's. */
const PERSONS = ["approve", "approver", "resume", "secret", "policy adopt"]

/** Files that no agent needs to write. */
const PROTECTED = ["nanoguard.yaml", "nanoguard.local.yaml", "nanoguard.test.yaml"]

/** The instruction file of each agent, where none exists yet. */
export const INSTRUCTION_FILES: Readonly<Record<Agent, string>> = {
  claude: "CLAUDE.md",
  codex: "AGENTS.md",
  gemini: "GEMINI.md",
  nanoclaw: "CLAUDE.md",
}

/** Settings files of the agents that were chosen. */
export function agentSettings(agents: readonly Agent[]): Wanted[] {
  return agents.flatMap((agent) => SETTINGS[agent]())
}

const SETTINGS: Readonly<Record<Agent, () => Wanted[]>> = {
  // code.claude.com/docs: file rules are Edit(...) and Read(...) only, and a leading / is the root of the project.
  claude: () => [
    {
      path: ".claude/settings.json",
      reason: "Claude Code leaves the policy and approvals to a person",
      format: "json",
      additions: [
        { path: ["$schema"], value: "https://json.schemastore.org/claude-code-settings.json" },
        {
          path: ["permissions", "deny"],
          value: [
            ...PROTECTED.map((path) => `Edit(/${path})`),
            ...PERSONS.flatMap((name) => [`Bash(nanoguard ${name}:*)`, `Bash(npx nanoguard ${name}:*)`]),
          ],
        },
      ],
    },
  ],
  // developers.openai.com/codex: config-reference and rules. sandbox_mode is left alone, a person's may be stricter.
  codex: () => [
    {
      path: ".codex/config.toml",
      reason: "commands that Codex runs in its workspace sandbox have no network",
      format: "toml",
      additions: [{ path: ["sandbox_workspace_write", "network_access"], value: false }],
    },
    {
      path: ".codex/rules/nanoguard.rules",
      reason: "Codex leaves approvals to a person",
      whole: readTemplate("agents/codex.rules"),
    },
  ],
  // geminicli.com/docs/reference/configuration. Single commands cannot be refused from a repository: Gemini CLI 0.61 passes
  // over `tools.exclude: ["run_shell_command(...)"]` and has switched policies of a workspace off.
  gemini: () => [
    {
      path: ".gemini/settings.json",
      reason: "Gemini CLI cannot be told to skip every question",
      format: "json",
      additions: [{ path: ["security", "disableYoloMode"], value: true }],
    },
  ],
  nanoclaw: () => [
    {
      path: ".nanoguard/nanoclaw.md",
      reason: "the settings of NanoClaw that go with the policy; they live outside the repository",
      whole: readTemplate("agents/nanoclaw.md"),
    },
  ],
}
