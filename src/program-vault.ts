// The commands of the vault: `secret`.
import { Argument, type Command, Option } from "commander"
import type { SetOptions } from "./commands/secret.ts"
import type { CanaryOptions } from "./commands/secret-canary.ts"
import type { ImportOptions } from "./commands/secret-import.ts"
import type { InitCommandOptions } from "./commands/secret-vault.ts"
import type { SigningOptions } from "./commands/signing.ts"
import type { Context } from "./context.ts"
import type { ExitCode } from "./errors.ts"
import { VAULT_EXAMPLES as EXAMPLES } from "./examples-vault.ts"

type Done = (exit: ExitCode) => void
interface Format {
  format?: "text" | "json"
}

const json = () => new Option("--format <format>", "output format").choices(["text", "json"]).default("text")
const SERVICES = ["github", "gitlab", "anthropic", "openai", "npm", "slack", "stripe", "linear", "aws", "google"]
const collect = (value: string, before: string[] | undefined) => [...(before ?? []), value]

function signed(command: Command): Command {
  return command
    .option("--as <name>", "who signs (default: whose key is here)")
    .option("--passphrase-file <file>", "the passphrase of their key, instead of a prompt")
    .option("--sign-with <key>", "sign with this OpenSSH key, or its public half where an agent holds it")
}

/** What opens the vault here. */
function sealed(command: Command): Command {
  return signed(command).option("--vault-passphrase-file <file>", "the passphrase of the vault, where it has one")
}

function valued(command: Command): Command {
  return sealed(command)
    .option("--stdin", "read the value from stdin")
    .option("--file <file>", "read the value from a file, once")
}

/** Declares what is below `secret`. */
export function declareSecret(secret: Command, ctx: Context, done: Done): void {
  secret
    .command("init")
    .description("Makes the vault, or moves its key under another protection.")
    .addOption(
      new Option("--key <kind>", "what protects its key").choices(["keychain", "file", "passphrase", "systemd-creds"]),
    )
    .option("--key-file <file>", "where the key lies, for --key file")
    .option("--replace", "move the key of the vault that is there")
    .option("--vault-passphrase-file <file>", "the passphrase that protects it now")
    .option("--new-passphrase-file <file>", "the passphrase that is to protect it")
    .addOption(json())
    .addHelpText("after", EXAMPLES.init)
    .action(async (options: InitCommandOptions) => {
      const { secretInit } = await import("./commands/secret-vault.ts")
      done((await secretInit(ctx, options)).exit)
    })
  valued(secret.command("set"))
    .description("Sets a credential: what it is for, where it goes, and its value, which is never shown again.")
    .argument("<name>", "as policies name it")
    // What stands there is taken for a value that somebody typed, and refused without being repeated.
    .addArgument(new Argument("[more...]", "nothing: values are not given here"))
    .addOption(new Option("--for <service>", "hosts, slot and shape of a known service").choices(SERVICES))
    .option("--host <pattern>", "a host that it may go to; may be repeated", collect)
    .option("--method <method>", "a method that it may go with; may be repeated", collect)
    .option("--path <pattern>", "a path that it may go to; may be repeated", collect)
    .option("--agent <name>", "an agent that may use it; may be repeated", collect)
    .option("--slot <slot>", "where it stands: bearer, header:<name>, basic[:<user>], query:<name>, ...")
    .option("--from <source>", "where its value is each time: env:, file:, command:, op://..., pass:")
    .option("--shape <shape>", "what its placeholder looks like")
    .option("--env <variable>", "a variable that carries its placeholder; may be repeated", collect)
    .addOption(json())
    .addHelpText("after", EXAMPLES.set)
    .action(async (name: string, more: string[], options: SetOptions) => {
      const { secretSet } = await import("./commands/secret.ts")
      done((await secretSet(ctx, name, more, options)).exit)
    })
  secret
    .command("list")
    .description("Shows credentials: reach, slot, source, who set them. Never a value.")
    .addOption(json())
    .addHelpText("after", EXAMPLES.list)
    .action(async (options: Format) => {
      const { secretList } = await import("./commands/secret.ts")
      done((await secretList(ctx, options)).exit)
    })
  valued(secret.command("rotate"))
    .description("Gives a credential another value. Placeholders stay the same.")
    .argument("<name>", "the credential")
    .addArgument(new Argument("[more...]", "nothing: values are not given here"))
    .addOption(json())
    .addHelpText("after", EXAMPLES.rotate)
    .action(async (name: string, more: string[], options: SetOptions) => {
      const { secretRotate } = await import("./commands/secret.ts")
      done((await secretRotate(ctx, name, more, options)).exit)
    })
  signed(secret.command("remove"))
    .description("Removes a credential: whatever has its placeholder gets nothing more.")
    .argument("<name>", "the credential")
    .option("--yes", "do not ask")
    .addOption(json())
    .addHelpText("after", EXAMPLES.remove)
    .action(async (name: string, options: SigningOptions & Format & { yes?: boolean }) => {
      const { secretRemove } = await import("./commands/secret.ts")
      done((await secretRemove(ctx, name, options)).exit)
    })
  sealed(secret.command("import"))
    .description("Seals a login that is here already; agents get a placeholder, and the gate renews it.")
    .addArgument(new Argument("<program>", "whose login").choices(["claude", "codex", "gemini", "gh"]))
    .option("--name <name>", "what it is called (default: the program's name)")
    .option("--agent <name>", "an agent that may use it; may be repeated", collect)
    .option("--hostname <host>", "which GitHub, for gh")
    .addOption(json())
    .addHelpText("after", EXAMPLES.import)
    .action(async (program: "claude" | "codex" | "gemini" | "gh", options: ImportOptions) => {
      const { secretImport } = await import("./commands/secret-import.ts")
      done((await secretImport(ctx, program, options)).exit)
    })
  sealed(secret.command("canary"))
    .description("Makes a credential that nobody may use, and prints its placeholder, to be planted.")
    .argument("<name>", "what the record calls it")
    .addArgument(new Argument("[more...]", "nothing: it has no value"))
    .option("--shape <shape>", "what it looks like")
    .addOption(json())
    .addHelpText("after", EXAMPLES.canary)
    .action(async (name: string, more: string[], options: CanaryOptions) => {
      const { secretCanary } = await import("./commands/secret-canary.ts")
      done((await secretCanary(ctx, name, more, options)).exit)
    })
  secret
    .command("unlock")
    .description("Opens the vault of the gate that runs here.")
    .option("--passphrase-file <file>", "the passphrase, instead of a prompt")
    .option("--stdin", "read the passphrase from stdin")
    .addOption(json())
    .addHelpText("after", EXAMPLES.unlock)
    .action(async (options: Format & { passphraseFile?: string; stdin?: boolean }) => {
      const { secretUnlock } = await import("./commands/secret-vault.ts")
      done((await secretUnlock(ctx, options)).exit)
    })
  secret
    .command("lock")
    .description("Has the gate forget the vault's keys until somebody unlocks it.")
    .addOption(json())
    .addHelpText("after", EXAMPLES.lock)
    .action(async (options: Format) => {
      const { secretLock } = await import("./commands/secret-vault.ts")
      done((await secretLock(ctx, options)).exit)
    })
}
