// Every command in one place. Each action imports its module when it runs, so that one command never pays for another.
import { Argument, Command, CommanderError, Option } from "commander"
import { addCompletion } from "./commands/completion.ts"
import type { PolicyCommandOptions } from "./commands/policy.ts"
import type { VetCommandOptions } from "./commands/vet.ts"
import type { Context } from "./context.ts"
import { EXIT, NanoguardError } from "./errors.ts"
import { EXAMPLES } from "./examples.ts"
import { declareAdoption, declareApprovals, declareApprover } from "./program-approvals.ts"
import { declareGateway, declareWhy } from "./program-gateway.ts"
import { declareAudit, declareReplay, declareStore } from "./program-record.ts"
import { declareRun, declareSandbox } from "./program-sandbox.ts"
import { declareSecret } from "./program-vault.ts"
import type { InitOptions } from "./scaffold/options.ts"
import { VERSION } from "./version.ts"

type Done = (exit: number) => void

const json = () => new Option("--format <format>", "output format").choices(["text", "json"]).default("text")

/**
 * Declares the program. `done` hears the exit code of the action that ran. With `argv`, what is below `policy`, `audit` and
 * the other groups is declared only where a word of the command line names the group: declaring everything is a tenth of
 * what `--version` takes.
 */
export function program(ctx: Context, done: Done, argv?: readonly string[]): Command {
  const cli = new Command("nanoguard")
    .description("Guardrails for autonomous agents, enforced by the infrastructure around the agent.")
    .version(VERSION)
    .option("--color", "colour even where the output is no terminal")
    .option("--no-color", "no colour")
    .exitOverride()
    .configureOutput({
      // Errors are printed in one place, `failWith`, whoever found them.
      outputError: () => {},
      writeOut: (text) => ctx.stdout.write(text),
      writeErr: (text) => ctx.stderr.write(text),
      getOutHelpWidth: () => ctx.stdout.columns ?? 80,
      getErrHelpWidth: () => ctx.stderr.columns ?? 80,
    })
    .addHelpText("after", EXAMPLES.top)
  const color = () => colorOf(cli)
  // What starts a box has a budget of milliseconds, of which the others would take four.
  if (argv?.[2] === "run") {
    declareRun(cli, ctx, done, color)
    return cli
  }
  const group = (name: string, summary: string, declareBelow: (parent: Command) => void) => {
    const parent = cli.command(name).summary(summary)
    if (argv === undefined || argv.includes(name)) declareBelow(parent)
  }

  cli
    .command("vet")
    .summary("vet dependency trees against registry and policy")
    .description(
      "Vets every lockfile below the current directory, or the files and directories named, against the policy.",
    )
    .addArgument(new Argument("[paths...]", "lockfiles or directories"))
    .option("--policy <file>", "policy file (default: nanoguard.yaml, here or above; else the built-in one)")
    .addOption(
      new Option(
        "--policy-from <where>",
        "read the policy as the base of the change has it, or as it is in the files",
      ).choices(["base", "file"]),
    )
    .addOption(
      new Option("--format <format>", "output format (default: text; under GitHub Actions with annotations)").choices([
        "text",
        "json",
        "sarif",
        "junit",
        "github",
        "cyclonedx",
      ]),
    )
    .option("--output <file>", "write the format to this file, and text to stdout")
    .option("--offline", "ask no registry: advisories and lockfiles only")
    .option("--prod", "leave out what only development dependencies bring in")
    .option("--changed <ref>", "only what was added since this ref; policy read from there")
    .addOption(new Option("--fail-on <effect>", "what ends with exit code 1").choices(["ask", "deny"]).default("ask"))
    .option("--fix", "carry the corrections out: re-lock in a copy, vet again, show the diff, then write")
    .option("--dry-run", "with --fix: show what would change, write nothing")
    .option("--verbose", "long lists instead of short ones")
    .addHelpText("after", EXAMPLES.vet)
    .action(async (paths: string[], options: VetCommandOptions) => {
      const { vetCommand } = await import("./commands/vet.ts")
      done(await vetCommand(ctx, paths, { ...options, ...colorOf(cli) }))
    })

  cli
    .command("init")
    .summary("scaffold policy-as-code into a repository")
    .description(
      "Writes a policy with tests, a CI workflow and agents' settings into this repository, shown before they are written.",
    )
    .option("--yes", "take the defaults for what no flag answers, and write without asking")
    .addOption(new Option("--preset <preset>", "how strict to start").choices(["solo", "team", "strict"]))
    .addOption(new Option("--ci <ci>", "CI workflow to write").choices(["github", "gitlab", "none"]))
    .option("--agents <names>", "agents to set up: claude,codex,gemini,nanoclaw or none")
    .option("--instructions", "add a section for agents to AGENTS.md, CLAUDE.md, GEMINI.md")
    .option("--no-instructions", "leave those files alone")
    .option("--native", "write the policy into the package managers' own settings as well")
    .option("--no-native", "leave the package managers' settings alone")
    .option("--gateway [url]", "point the package managers at a gate (http://127.0.0.1:8471 without an address)")
    .option("--image [base]", "write a Containerfile for the image that agents run in (on node:24-bookworm)")
    .option("--no-image", "write no Containerfile")
    .option("--build-image", "build that image, every package of it through the gate")
    .addOption(
      new Option("--engine <engine>", "what builds it (default: the first that is here)").choices(["docker", "podman"]),
    )
    .option("--dry-run", "show every file, write nothing")
    .option("--force", "replace files of yours that differ")
    .addOption(json())
    .addHelpText("after", EXAMPLES.init)
    .action(async (options: InitOptions) => {
      const { init } = await import("./commands/init.ts")
      done((await init(ctx, { ...options, ...colorOf(cli) })).exit)
    })

  group("policy", "check, test, explain and replay the policy", (policy) => {
    declarePolicy(policy, ctx, done)
    declareReplay(policy, ctx, done, color)
    declareAdoption(policy, ctx, done)
  })
  group("audit", "the record: who did what, by whose leave; and that nobody changed it", (audit) =>
    declareAudit(audit, ctx, done, color),
  )
  group("gateway", "the gate: registries that serve only what policy approves", (gateway) =>
    declareGateway(gateway, ctx, done, color),
  )
  declareSandbox(cli, ctx, done, color)
  declareWhy(cli, ctx, done, color)
  declareApprovals(cli, ctx, done, color)
  group("approver", "who may decide: add, list, remove", (approver) => declareApprover(approver, ctx, done))
  group("secret", "keys that agents never have: set, list, rotate, remove", (secret) =>
    declareSecret(secret, ctx, done),
  )
  group("store", "where the record lies: show it, make it ready", (store) => declareStore(store, ctx, done))
  group("advisories", "what is known against packages: update it, show it", (advisories) =>
    declareAdvisories(advisories, ctx, done),
  )
  return cli
}

function declarePolicy(policy: Command, ctx: Context, done: Done): void {
  const policyFile = () => new Option("--policy <file>", "policy file (default: nanoguard.yaml, here or above)")
  policy
    .command("check")
    .description("Finds what is wrong with the policy: unknown keys, rules that can never match, shadowed rules.")
    .addOption(policyFile())
    .addOption(json())
    .addHelpText("after", EXAMPLES.check)
    .action(async (options: PolicyCommandOptions) => {
      const { policyCheck } = await import("./commands/policy.ts")
      done((await policyCheck(ctx, options)).exit)
    })
  policy
    .command("test")
    .description("Runs the examples inside the rules and the cases in nanoguard.test.yaml and nanoguard.*.test.yaml.")
    .argument("[files...]", "test files (default: those beside the policy)")
    .addOption(policyFile())
    .addOption(json())
    .addHelpText("after", EXAMPLES.test)
    .action(async (files: string[], options: PolicyCommandOptions) => {
      const { policyTest } = await import("./commands/policy.ts")
      done((await policyTest(ctx, files, options)).exit)
    })
  policy
    .command("explain")
    .description(
      "Shows every rule that could have spoken, why each did or did not, and what would turn the answer round.",
    )
    .argument("<subject>", "a purl, a request, or a JSON file with an action")
    .addOption(policyFile())
    .option("--offline", "ask no registry")
    .addOption(json())
    .addHelpText("after", EXAMPLES.explain)
    .action(async (subject: string, options: PolicyCommandOptions & { offline?: boolean }) => {
      const { policyExplain } = await import("./commands/policy.ts")
      const { lookUpFacts } = await import("./vet/lookup.ts")
      const facts = lookUpFacts(ctx, options.offline === true)
      done((await policyExplain(ctx, subject, { ...options, facts })).exit)
    })
}

function declareAdvisories(advisories: Command, ctx: Context, done: Done): void {
  advisories
    .command("update")
    .description("Imports advisories in OSV form into the local index.")
    .option("--from <source...>", "directory, zip, NDJSON file or URL (default: OSV's public exports)")
    .option("--ecosystem <name...>", "only these: npm, pypi, cargo, golang")
    .option("--complete", "the sources hold everything known about their ecosystems")
    .addOption(json())
    .addHelpText("after", EXAMPLES.update)
    .action(async (options: { from?: string[]; ecosystem?: string[]; complete?: boolean; format: "text" | "json" }) => {
      const { advisoriesUpdate } = await import("./commands/advisories.ts")
      done((await advisoriesUpdate(ctx, options)).exit)
    })
  advisories
    .command("status")
    .description("Shows which advisories are searched, how old and how complete they are.")
    .addOption(json())
    .addHelpText("after", EXAMPLES.status)
    .action(async (options: { format: "text" | "json" }) => {
      const { advisoriesStatus } = await import("./commands/advisories.ts")
      done((await advisoriesStatus(ctx, options)).exit)
    })
}

/** What `--color` or `--no-color` said; nothing where neither was given. */
function colorOf(cli: Command): { color?: boolean } {
  return cli.getOptionValueSource("color") === "cli" ? { color: cli.getOptionValue("color") as boolean } : {}
}

/** Parses a command line and runs its command; resolves with the exit code, and with an error's where it is told. */
export async function runProgram(argv: readonly string[], ctx: Context): Promise<number> {
  let exit: number = EXIT.ok
  try {
    const hear: Done = (code) => {
      exit = code
    }
    const cli = program(ctx, hear, argv)
    addCompletion(cli, ctx, () => program(ctx, hear))
    await cli.parseAsync(argv as string[])
    return exit
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return EXIT.ok
    const { failWith } = await import("./commands/fail.ts")
    return failWith(ctx, argv, error instanceof CommanderError ? usageOf(error, argv) : error)
  }
}

function usageOf({ code, message }: CommanderError, argv: readonly string[]): NanoguardError {
  const asked = argv.indexOf("help", 2)
  const missing = asked > 0 && argv[asked + 1] ? `unknown command '${argv[asked + 1]}'` : "a command is missing"
  // What stands behind an option that there is not may be a secret that somebody typed: it is not repeated.
  const said = message.replace(/^error: /, "").replace(/^(unknown option '-[^'=]*)=.*'/s, "$1'")
  const text = code === "commander.help" ? missing : said
  return new NanoguardError(text, { exit: EXIT.usage, hint: "add --help for what there is" })
}
