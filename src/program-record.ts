// The commands of the record: `audit`, `store`, and `policy replay`.
import { Argument, type Command, Option } from "commander"
import type { ArchiveCommandOptions } from "./commands/audit-archive.ts"
import type { CheckpointOptions } from "./commands/audit-checkpoint.ts"
import type { EraseOptions } from "./commands/audit-erase.ts"
import type { ExportCommandOptions } from "./commands/audit-export.ts"
import type { InventoryOptions } from "./commands/audit-inventory.ts"
import type { ShowOptions } from "./commands/audit-show.ts"
import type { TailOptions } from "./commands/audit-tail.ts"
import type { VerifyCommandOptions } from "./commands/audit-verify.ts"
import type { SuggestOptions } from "./commands/policy-suggest.ts"
import type { ReplayOptions } from "./commands/replay.ts"
import type { StoreCommandOptions } from "./commands/store.ts"
import type { Context } from "./context.ts"
import type { ExitCode } from "./errors.ts"
import { RECORD_EXAMPLES as EXAMPLES } from "./examples-record.ts"
import type { View } from "./render/audit-inventory.ts"

const KINDS = "package,network,credential,mcp,skill,approval,policy,sandbox,kill,configuration,log".split(",")
const json = () => new Option("--format <format>", "output format").choices(["text", "json"]).default("text")
const since = () => new Option("--since <time>", "from then on: 2h, 3d, 2026-11-01, 2026-11-01T09:30:00Z")
const until = () => new Option("--until <time>", "up to then, in the same forms")
const agent = () => new Option("--agent <name>", "of this agent only")
const orderedBy = () => new Option("--by <person>", "who orders it (default: the account's name)")
const run = () => new Option("--run <id>", "of this run only")

type Done = (exit: ExitCode) => void
/** What `--color` or `--no-color` said. */
type Color = () => { color?: boolean }

/** Declares what is below `audit`. */
export function declareAudit(audit: Command, ctx: Context, done: Done, color: Color): void {
  audit
    .command("tail")
    .description("Shows the newest records; with --follow, those to come as well.")
    .option("-n, --lines <count>", "how many records", "20")
    .option("-f, --follow", "go on with what comes; ctrl-c ends it")
    .addOption(agent())
    .addOption(run())
    .addOption(new Option("--kind <kind>", "of this kind only").choices(KINDS))
    .option("--type <type>", "of this type only, such as package.decided")
    .addOption(new Option("--effect <effect>", "with this verdict only").choices(["allow", "ask", "deny"]))
    .addOption(
      new Option("--outcome <outcome>", "with this outcome only").choices([
        "released",
        "refused",
        "held",
        "failed",
        "unknown",
      ]),
    )
    .addOption(since())
    .addOption(until())
    .addOption(new Option("--format <format>", "output format").choices(["text", "json", "ndjson"]).default("text"))
    .addHelpText("after", EXAMPLES.tail)
    .action(async (options: TailOptions) => {
      const { auditTail } = await import("./commands/audit-tail.ts")
      done((await auditTail(ctx, { ...options, ...color() })).exit)
    })
  audit
    .command("show")
    .description("Shows one record whole: verdict, evidence, people, and the proof that it is in the log.")
    .argument("<seq>", "its number")
    .addOption(json())
    .addHelpText("after", EXAMPLES.show)
    .action(async (seq: string, options: ShowOptions) => {
      const { auditShow } = await import("./commands/audit-show.ts")
      done((await auditShow(ctx, seq, { ...options, ...color() })).exit)
    })
  audit
    .command("inventory")
    .description(
      "Answers which agents run and ran, who operates each, and what each consumed, since when, by whose approval.",
    )
    .addArgument(new Argument("[view]", "which of the two tables").choices(["agents", "items", "both"]).default("both"))
    .addOption(agent())
    .addOption(
      new Option("--kind <kind>", "items of this kind only").choices(["package", "cli", "mcp", "skill", "host"]),
    )
    .option("--touched <what>", "who has it, since when: GHSA-..., CVE-..., pkg:npm/x@1.2.3, pkg:npm/x, a host")
    .option("--as-of <time>", "as it was then")
    .option("--refused", "what was asked for and not given")
    .option("--verbose", "long lists instead of short ones")
    .addOption(
      new Option("--format <format>", "output format").choices(["text", "json", "csv", "cyclonedx"]).default("text"),
    )
    .addHelpText("after", EXAMPLES.inventory)
    .action(async (view: View, options: InventoryOptions) => {
      const { auditInventory } = await import("./commands/audit-inventory.ts")
      done((await auditInventory(ctx, view, { ...options, ...color() })).exit)
    })
  audit
    .command("verify")
    .description("Recomputes the whole log and holds it against its signatures, its index and the places outside.")
    .option("--anchor <where...>", "also hold it against this place: dir:/path, git:<repository>, https://...")
    .option("--key <vkey...>", "the keys that may have signed, instead of this host's own")
    .option("--archive <directory>", "where archived records lie")
    .option("--export <file>", "verify an export instead of the store")
    .option("--no-index", "leave the index out")
    .addOption(json())
    .addHelpText("after", EXAMPLES.verify)
    .action(async (options: VerifyCommandOptions) => {
      const { auditVerify } = await import("./commands/audit-verify.ts")
      done((await auditVerify(ctx, { ...options, ...color() })).exit)
    })
  audit
    .command("export")
    .description(
      "Writes records as NDJSON, each with the proof that it is in the log, for whoever verifies them elsewhere.",
    )
    .option("--from <seq>", "first record")
    .option("--to <seq>", "last record")
    .addOption(since())
    .addOption(until())
    .addOption(agent())
    .option("--output <file>", "write to this file, readable by you alone")
    .option("--without-people", "leave out what opens personal fields")
    .option("--key <vkey>", "the key that verifies the checkpoint, where it is not this host's")
    .addHelpText("after", EXAMPLES.export)
    .action(async (options: ExportCommandOptions) => {
      const { auditExport } = await import("./commands/audit-export.ts")
      done((await auditExport(ctx, options)).exit)
    })
  audit
    .command("checkpoint")
    .description("Signs what is in the log now; with --publish, brings it to the places in NANOGUARD_ANCHORS.")
    .option("--publish", "publish it, and say where it went")
    .addOption(json())
    .addHelpText("after", EXAMPLES.checkpoint)
    .action(async (options: CheckpointOptions) => {
      const { auditCheckpoint } = await import("./commands/audit-checkpoint.ts")
      done((await auditCheckpoint(ctx, options)).exit)
    })
  audit
    .command("archive")
    .description("Moves old records into files; their hashes stay, so that every proof still holds.")
    .requiredOption("--to <directory>", "where the files go")
    .option("--before <time>", "records before then: 2026-09-01, 90d")
    .option("--keep <span>", "records older than this: 90d, 1y")
    .option("--no-gzip", "leave the files uncompressed")
    .addOption(orderedBy())
    .option("--yes", "do not ask")
    .option("--dry-run", "show what would move, move nothing")
    .addOption(json())
    .addHelpText("after", EXAMPLES.archive)
    .action(async (options: ArchiveCommandOptions) => {
      const { auditArchive } = await import("./commands/audit-archive.ts")
      done((await auditArchive(ctx, { ...options, ...color() })).exit)
    })
  audit
    .command("erase")
    .description("Forgets a person: who it was can never be read again, and every proof still holds.")
    .argument("<person>", "the name as it was recorded, or its commitment; - reads it from stdin")
    .addOption(orderedBy())
    .option("--yes", "do not ask")
    .option("--dry-run", "show what would be erased, erase nothing")
    .addOption(json())
    .addHelpText("after", EXAMPLES.erase)
    .action(async (person: string, options: EraseOptions) => {
      const { auditErase } = await import("./commands/audit-erase.ts")
      done((await auditErase(ctx, person, { ...options, ...color() })).exit)
    })
}

/** Declares what is below `store`. */
export function declareStore(store: Command, ctx: Context, done: Done): void {
  store
    .command("status")
    .description("Shows which store is in use, what it holds, and how far index, checkpoints and outside places are.")
    .addOption(json())
    .addHelpText("after", EXAMPLES.status)
    .action(async (options: StoreCommandOptions) => {
      const { storeStatus } = await import("./commands/store.ts")
      done((await storeStatus(ctx, options)).exit)
    })
  store
    .command("derive")
    .description("Brings the index up to the end of the log, and builds it anew where it is missing or damaged.")
    .option("--archive <directory>", "where archived records lie, to build it anew")
    .addOption(json())
    .addHelpText("after", EXAMPLES.derive)
    .action(async (options: StoreCommandOptions & { archive?: string }) => {
      const { storeDerive } = await import("./commands/store.ts")
      done((await storeDerive(ctx, options)).exit)
    })
  store
    .command("migrate")
    .description("Makes or upgrades the tables; in PostgreSQL, run by the database's owner, the roles as well.")
    .addOption(json())
    .addHelpText("after", EXAMPLES.migrate)
    .action(async (options: StoreCommandOptions) => {
      const { storeMigrate } = await import("./commands/store.ts")
      done((await storeMigrate(ctx, options)).exit)
    })
}

/** Declares `policy replay` below `policy`. */
export function declareReplay(policy: Command, ctx: Context, done: Done, color: Color): void {
  policy
    .command("replay")
    .description("Decides again what was already decided, and lists what would change.")
    .option("--policy <file>", "the policy to try (default: nanoguard.yaml, here or above)")
    .addOption(since())
    .addOption(until())
    .addOption(agent())
    .addOption(run())
    .addOption(new Option("--kind <kind>", "decisions of this kind only").choices(KINDS.slice(0, 5)))
    .addOption(new Option("--fail-on <change>", "what ends with exit code 1").choices(["looser", "stricter", "any"]))
    .addOption(json())
    .addHelpText("after", EXAMPLES.replay)
    .action(async (options: ReplayOptions) => {
      const { policyReplay } = await import("./commands/replay.ts")
      done((await policyReplay(ctx, { ...options, ...color() })).exit)
    })
  policy
    .command("suggest")
    .description("Prints the rules that would have allowed what runs asked for: to be read, and pasted.")
    .option("--policy <file>", "the policy as it is (default: nanoguard.yaml, here or above)")
    .addOption(since())
    .addOption(until())
    .addOption(agent())
    .addOption(run())
    .addOption(json())
    .addHelpText("after", EXAMPLES.suggest)
    .action(async (options: SuggestOptions) => {
      const { policySuggest } = await import("./commands/policy-suggest.ts")
      done((await policySuggest(ctx, options)).exit)
    })
}
