// `nanoguard completion <shell>`: the script that a shell sources; and the hidden `complete` that it asks at every tab.
import { Argument, type Command } from "commander"
import type { Context } from "../context.ts"

/** Commands that take names of agents or runs. */
const NAMING: ReadonlySet<string> = new Set(["run", "kill", "resume"])
const SHELLS = ["bash", "zsh", "fish", "powershell"]

/**
 * Adds both commands. `declare` makes another program like this one, for what can be completed to be read from; names of agents and runs
 * are from the state directory of `ctx`.
 */
export function addCompletion(cli: Command, ctx: Pick<Context, "env" | "cwd">, declare: () => Command): void {
  const loadTab = async () => (await import("@bomb.sh/tab/commander")).default(declare())
  cli
    .command("completion")
    .summary("print the completion script of a shell")
    .description("Prints the completion script of a shell.")
    .addArgument(new Argument("<shell>", "your shell").choices(SHELLS))
    .addHelpText(
      "after",
      `
Examples:
  source <(nanoguard completion bash)
  nanoguard completion fish > ~/.config/fish/completions/nanoguard.fish`,
    )
    .action(async (shell: string) => (await loadTab()).setup("nanoguard", "nanoguard", shell))
  cli
    .command("complete", { hidden: true })
    .argument("[words...]")
    .allowUnknownOption()
    .action(async (words: string[]) => {
      const tab = await loadTab()
      // Looked up for the commands that take them alone: at every tab this runs.
      if (words.some((word) => NAMING.has(word))) {
        const { addNames } = await import("./completion-names.ts")
        await addNames(ctx, tab, words)
      }
      tab.parse(words)
    })
}
