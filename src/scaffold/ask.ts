// The questions, on a terminal. What a flag answered is not asked.
import type { Context } from "../context.ts"
import { EXIT, NanoguardError } from "../errors.ts"
import { imageOf } from "./options.ts"
import { AGENTS, type Answers, CIS, type Facts, type PlannedFile, PRESETS } from "./types.ts"

const ABOUT_PRESETS = {
  solo: "one person: stops malware, asks about the rest",
  team: "a team: stops what is known to be bad, or younger than three days",
  strict: "as team, and stops install scripts, new publishers, low trust",
} as const

const NAMES = {
  claude: "Claude Code",
  codex: "Codex",
  gemini: "Gemini CLI",
  nanoclaw: "NanoClaw",
  github: "GitHub Actions",
  gitlab: "GitLab CI",
  none: "none",
} as const

/** Asks for what the flags left open; `proposed` is what Enter takes. */
export async function askAnswers(
  ctx: Context,
  facts: Facts,
  flags: Partial<Answers>,
  proposed: Answers,
): Promise<Answers> {
  const { checkbox, confirm, select } = await import("@inquirer/prompts")
  const io = terminal(ctx)
  return stopOnInterrupt(async () => {
    const preset =
      flags.preset ??
      (await select(
        {
          message: "How strict?",
          default: proposed.preset,
          choices: PRESETS.map((value) => ({ value, description: ABOUT_PRESETS[value] })),
        },
        io,
      ))
    const ci =
      flags.ci ??
      (await select(
        {
          message: "Which CI runs `nanoguard vet`?",
          default: proposed.ci,
          choices: [...CIS, "none" as const].map((value) => ({ value, name: NAMES[value] })),
        },
        io,
      ))
    const agents =
      flags.agents ??
      (await checkbox(
        {
          message: "Which agents work here?",
          choices: AGENTS.map((value) => ({
            value,
            name: NAMES[value],
            checked: proposed.agents.includes(value),
          })),
        },
        io,
      ))
    const instructions =
      flags.instructions ??
      (agents.length > 0 &&
        (await confirm({ message: "Tell them so in AGENTS.md, CLAUDE.md or GEMINI.md?", default: true }, io)))
    const managers = facts.managers.map((manager) => manager.name).join(", ")
    const native =
      flags.native ??
      (managers !== "" &&
        (await confirm({ message: `Write the policy as settings of ${managers}, too?`, default: proposed.native }, io)))
    const { gateway } = flags
    return {
      preset,
      ci,
      agents,
      instructions,
      native,
      ...(gateway !== undefined && { gateway }),
      ...imageOf(agents, flags),
    }
  })
}

/** Asks which of the user's own files to replace; returns their paths. */
export async function askReplacements(ctx: Context, files: readonly PlannedFile[]): Promise<string[]> {
  if (files.length === 0) return []
  const { checkbox } = await import("@inquirer/prompts")
  return stopOnInterrupt(() =>
    checkbox(
      {
        message: "These exist and differ from what init would write. Replace which?",
        choices: files.map((file) => ({ value: file.path, checked: false })),
      },
      terminal(ctx),
    ),
  )
}

/** The last question before anything is written. */
export async function askToWrite(ctx: Context, count: number): Promise<boolean> {
  const { confirm } = await import("@inquirer/prompts")
  const message = count === 1 ? "Write this file?" : `Write these ${count} files?`
  return stopOnInterrupt(() => confirm({ message, default: true }, terminal(ctx)))
}

/** Questions go where they are seen, also when stdout is not the terminal. */
function terminal(ctx: Context): { input: NodeJS.ReadableStream; output: NodeJS.WritableStream } {
  return { input: ctx.stdin, output: ctx.stdout }
}

/** inquirer rejects with ExitPromptError on Ctrl-C. */
async function stopOnInterrupt<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (error) {
    if (!(error instanceof Error) || error.name !== "ExitPromptError") throw error
    throw new NanoguardError("Interrupted. Nothing was written.", { exit: EXIT.findings, cause: error })
  }
}
