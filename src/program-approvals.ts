// The commands of approvals: `approve`, `deny`, `approver`, and `policy adopt|adopted`.
import { Argument, type Command, Option } from "commander"
import type { ApprovalState } from "./approvals/types.ts"
import type { AdoptOptions } from "./commands/adopt.ts"
import type { AnswerOptions } from "./commands/approve.ts"
import type { AddOptions } from "./commands/approver.ts"
import type { SigningOptions } from "./commands/signing.ts"
import type { Context } from "./context.ts"
import { EXIT, type ExitCode, NanoguardError } from "./errors.ts"
import { APPROVAL_EXAMPLES as EXAMPLES } from "./examples-approvals.ts"

type Done = (exit: ExitCode) => void

const json = () => new Option("--format <format>", "output format").choices(["text", "json"]).default("text")
const STATES = ["pending", "granted", "denied", "expired", "consumed"]

type ApproveOptions = AnswerOptions & {
  list?: boolean
  state?: ApprovalState
  plain?: boolean
  stats?: boolean
  days?: string
}

/** The options of every command that a person signs. */
function signed(command: Command): Command {
  return command
    .option("--as <name>", "who signs (default: whose key is here)")
    .option("--passphrase-file <file>", "the passphrase of their key, instead of a prompt")
    .option("--sign-with <key>", "sign with this OpenSSH key, or its public half where an agent holds it")
}

function decided(command: Command): Command {
  return signed(command)
    .option("--digest <digest>", "the digest of what was looked at, or at least its first 8 digits")
    .option("--reason <text>", "why; the agent is told")
    .addOption(json())
}

/** One of four: the live queue, a list, the statistics, or one request. What belongs to another of them is not passed over. */
function checkWords(id: string | undefined, options: ApproveOptions): void {
  const { list, state, stats, plain, digest, days, reason, expires, uses } = options
  const usage = (message: string, hint: string) => new NanoguardError(message, { exit: EXIT.usage, hint })
  const listing = list === true || state !== undefined
  if (id === undefined ? digest !== undefined : listing)
    throw usage(
      "a list is shown, and an id is decided",
      "nanoguard approve --list [--state <state>], or nanoguard approve <id> [--digest <digest>]",
    )
  if (stats === true && (id !== undefined || listing || plain === true))
    throw usage("--stats stands alone", "nanoguard approve --stats [--days <number>]")
  if (plain === true && (id !== undefined || listing))
    throw usage("--plain is for the live queue", "nanoguard approve --plain, without an id and without --list")
  const terms = [reason, expires, uses, options.for].some((term) => term !== undefined)
  if (id === undefined && terms)
    throw usage(
      "--reason, --expires, --uses and --for belong to one request",
      "nanoguard approve <id> --digest <digest>",
    )
  if (days !== undefined && stats !== true)
    throw usage("--days belongs to --stats", "nanoguard approve --stats --days 90")
}

/** Declares `approve` and `deny`. */
export function declareApprovals(cli: Command, ctx: Context, done: Done, color: () => { color?: boolean }): void {
  decided(cli.command("approve"))
    .summary("what waits for a person: live, as a list, or one by its id")
    .description("Shows what waits for a person as it comes, lists it, or shows one and signs that it may go ahead.")
    .addArgument(new Argument("[id]", "the request; without it, on a terminal, the live queue, else the list"))
    .option("--list", "list what waits")
    .option("--plain", "the live queue as paragraphs with numbered choices")
    .option("--stats", "what asking costs people, and which rules are always answered alike")
    .option("--days <number>", "for --stats, how far back (default: 30)")
    .addOption(new Option("--state <state>", "list what stands otherwise").choices(STATES))
    .option("--expires <duration>", "how long it holds (default: a request 1h, a package 12h, an exception 14d)")
    .option("--uses <count>", "how often it may be used (default: a request once, a package as often as needed)")
    .addOption(new Option("--for <scope>", "for this run, or whatever the agent does").choices(["run", "agent"]))
    .addHelpText("after", EXAMPLES.approve)
    .action(async (id: string | undefined, options: ApproveOptions) => {
      checkWords(id, options)
      if (options.stats) {
        const { approveStats } = await import("./commands/approve-stats.ts")
        return done((await approveStats(ctx, options)).exit)
      }
      if (options.plain) {
        const { approveLive } = await import("./commands/approve-live.ts")
        return done((await approveLive(ctx, { ...options, ...color() })).exit)
      }
      const { answerCommand, approveList } = await import("./commands/approve.ts")
      const queue = { ...options, ...color() }
      const run = id === undefined ? approveList(ctx, queue) : answerCommand(ctx, id, "approve", options)
      done((await run).exit)
    })
  decided(cli.command("deny"))
    .summary("refuse what waits for a person")
    .description("Shows a request and signs that it is refused; it stays refused for the run.")
    .argument("<id>", "the request")
    .addHelpText("after", EXAMPLES.deny)
    .action(async (id: string, options: AnswerOptions) => {
      const { answerCommand } = await import("./commands/approve.ts")
      done((await answerCommand(ctx, id, "deny", options)).exit)
    })
}

/** Declares what is below `approver`. */
export function declareApprover(approver: Command, ctx: Context, done: Done): void {
  signed(approver.command("add"))
    .description(
      "Enrols an approver. The first one of a store is the root of its trust; each other is signed by one of them.",
    )
    .argument("<name>", "as the policy's approvers have it")
    .option("--key <file>", "an OpenSSH public key of theirs, instead of a key made now")
    .option("--new-passphrase-file <file>", "the passphrase of the key made now")
    .addOption(json())
    .addHelpText("after", EXAMPLES.add)
    .action(async (name: string, options: AddOptions) => {
      const { approverAdd } = await import("./commands/approver.ts")
      done((await approverAdd(ctx, name, options)).exit)
    })
  approver
    .command("list")
    .description("Shows who is enrolled, with fingerprints.")
    .addOption(json())
    .addHelpText("after", EXAMPLES.list)
    .action(async (options: { format: "text" | "json" }) => {
      const { approverList } = await import("./commands/approver.ts")
      done((await approverList(ctx, options)).exit)
    })
  signed(approver.command("remove"))
    .description("Removes an approver: what they signed counts no more.")
    .argument("<name>", "who")
    .option("--yes", "do not ask")
    .addOption(json())
    .addHelpText("after", EXAMPLES.remove)
    .action(async (name: string, options: SigningOptions & { yes?: boolean; format: "text" | "json" }) => {
      const { approverRemove } = await import("./commands/approver.ts")
      done((await approverRemove(ctx, name, options)).exit)
    })
}

/** Declares `policy adopt` and `policy adopted` below `policy`. */
export function declareAdoption(policy: Command, ctx: Context, done: Done): void {
  const file = () => new Option("--policy <file>", "policy file (default: nanoguard.yaml, here or above)")
  const project = () => new Option("--project <name>", "which project (default: the directory of the policy)")
  signed(policy.command("adopt"))
    .description(
      "Shows what a policy changes against the one in force, and brings it into force by a person's signature.",
    )
    .addOption(file())
    .addOption(project())
    .option("--yes", "do not ask")
    .option("--dry-run", "show what would change, adopt nothing")
    .addOption(json())
    .addHelpText("after", EXAMPLES.adopt)
    .action(async (options: AdoptOptions) => {
      const { policyAdopt } = await import("./commands/adopt.ts")
      done((await policyAdopt(ctx, options)).exit)
    })
  policy
    .command("adopted")
    .description("Shows the policy in force, and whether the files here say the same.")
    .addOption(file())
    .addOption(project())
    .addOption(json())
    .addHelpText("after", EXAMPLES.adopted)
    .action(async (options: Pick<AdoptOptions, "policy" | "project"> & { format: "text" | "json" }) => {
      const { policyAdopted } = await import("./commands/adopt.ts")
      done((await policyAdopted(ctx, options)).exit)
    })
}
