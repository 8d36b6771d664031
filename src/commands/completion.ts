// `nanoguard completion <shell>`: the script that a shell sources; and the hidden `complete` that it asks at every tab.
import { Argument, type Command } from "commander"

const SHELLS = ["bash", "zsh", "fish", "powershell"]

/** Adds both commands. `declare` makes another program like this one, for what can be completed to be read from. */
export function addCompletion(cli: Command, declare: () => Command): void {
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
    .action(async (words: string[]) => (await loadTab()).parse(words))
}
