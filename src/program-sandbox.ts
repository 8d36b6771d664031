// The commands of the box: `run`, `ps`, `kill`, `resume`, `doctor`, `selftest`.
import { type Command, Option } from "commander"
import type { DoctorOptions } from "./commands/doctor.ts"
import type { KillOptions } from "./commands/kill.ts"
import type { PsOptions } from "./commands/ps.ts"
import type { ResumeOptions } from "./commands/resume.ts"
import type { RunOptions } from "./commands/run.ts"
import type { SelftestOptions } from "./commands/selftest.ts"
import type { Context } from "./context.ts"
import { SANDBOX_EXAMPLES as EXAMPLES } from "./examples-sandbox.ts"
import { ENGINES, WORKSPACE_MODES } from "./policy/sandbox-names.ts"

type Done = (exit: number) => void
type Color = () => { color?: boolean }

const json = () => new Option("--format <format>", "output format").choices(["text", "json"]).default("text")
const engine = () =>
  new Option("--engine <engine>", "what runs the box (default: the policy's, else the first that is here)").choices([
    "auto",
    ...ENGINES,
  ])

/** Declares what runs an agent. */
export function declareRun(cli: Command, ctx: Context, done: Done, color: Color): void {
  cli
    .command("run")
    .summary("an agent in a box behind the gate")
    .description(
      "Runs a command in a sandboxed container: one workspace, no keys, and no way out but the gate, by the adopted policy.",
    )
    .argument("[command...]", "the command, after two dashes")
    .option("--agent <name>", "who it is (default: NANOGUARD_AGENT, else the command's name)")
    .option("--operator <name>", "who answers for the agent (default: NANOGUARD_OPERATOR, else your account's name)")
    .addOption(engine())
    .option("--runtime <name>", "OCI runtime of the engine, such as runsc")
    .option("--image <image>", "container image (default: the policy's)")
    .addOption(
      new Option("--workspace <mode>", "how the project enters the box (default: the policy's, else direct)").choices(
        WORKSPACE_MODES,
      ),
    )
    .option("--publish <ports...>", "ports of this machine's loopback that lead into the box: 3000, or 8080:3000")
    .option("--forward <routes...>", "ports of the box that lead out by a rule with `raw`: 5432:db.example:5432")
    .option("--timeout <duration>", "end it after that long: 90s, 30m, 2h")
    .addOption(new Option("--apply", "apply the changes of a copy without asking").conflicts("discard"))
    .option(
      "--discard",
      "discard without asking: the changes of a copy; with --review, what is kept of a run in any mode",
    )
    .option("--review [run]", "look again at the changes of a run that were kept; without one: list what is kept")
    .addOption(new Option("--format <format>", "how that list is printed").choices(["text", "json"]).default("text"))
    .option("--summary <file>", "write what the run came to, as JSON")
    .option("--swarm <file>", "several agents side by side, as the file says")
    .option("--quiet", "leave out what nanoguard says for itself")
    .option("--project <directory>", "whose adopted policy is in force, where no gate runs yet")
    .option("--offline", "where no gate runs yet: ask no upstream")
    .addHelpText("after", EXAMPLES.run)
    .action(async (command: string[], options: RunOptions) => {
      const { run } = await import("./commands/run.ts")
      done((await run(ctx, command, { ...options, ...color() })).exit)
    })
}

/** Declares what runs agents, shows them and stops them. */
export function declareSandbox(cli: Command, ctx: Context, done: Done, color: Color): void {
  declareRun(cli, ctx, done, color)
  cli
    .command("ps")
    .summary("who is running")
    .description("Shows the boxes that are here: agent, operator, time, requests, refusals, what waits, what it cost.")
    .option("--watch", "again every second, on a terminal; q ends it")
    .addOption(json())
    .addHelpText("after", EXAMPLES.ps)
    .action(async (options: PsOptions) => {
      const { ps } = await import("./commands/ps.ts")
      done((await ps(ctx, { ...options, ...color() })).exit)
    })
  cli
    .command("kill")
    .summary("stop agents now, for good")
    .description(
      "Freezes and ends boxes, makes tokens and placeholders worthless, and keeps new runs from starting until `resume`.",
    )
    .argument("[targets...]", "names of agents, or ids of runs")
    .option("--all", "every agent")
    .option("--reason <text>", "why, for the record and for whoever asks")
    .option("--by <name>", "who orders it (default: your account's name)")
    .option("--dry-run", "a drill: say what would be stopped, and how fast engines answer")
    .addOption(json())
    .addHelpText("after", EXAMPLES.kill)
    .action(async (targets: string[], options: KillOptions) => {
      const { kill } = await import("./commands/kill.ts")
      done((await kill(ctx, targets, options)).exit)
    })
  cli
    .command("resume")
    .summary("lift a kill")
    .description("Lets an agent start again that was killed. An approver signs it.")
    .argument("[targets...]", "names of agents, or ids of runs")
    .option("--all", "the kill of every agent; those that were killed by name stay so")
    .option("--reason <text>", "why it may go on, for the record")
    .option("--as <name>", "which approver signs (default: the only one with a key here)")
    .option("--sign-with <key>", "sign with this OpenSSH key, or its public half where an agent holds it")
    .option("--passphrase-file <file>", "the passphrase of the approver's key")
    .option("--yes", "without asking")
    .addOption(json())
    .addHelpText("after", EXAMPLES.resume)
    .action(async (targets: string[], options: ResumeOptions) => {
      const { resume } = await import("./commands/resume.ts")
      done((await resume(ctx, targets, options)).exit)
    })
  cli
    .command("doctor")
    .summary("what is missing here, and how to fix it")
    .description("Looks at every part: Node, engines, gate, store, log, clock, policy, mounts, vault.")
    .addOption(json())
    .addHelpText("after", EXAMPLES.doctor)
    .action(async (options: DoctorOptions) => {
      const { doctor } = await import("./commands/doctor.ts")
      done((await doctor(ctx, { ...options, ...color() })).exit)
    })
  cli
    .command("selftest")
    .summary("try to get out of a box, and say what held")
    .description("Runs a box whose program tries every known way out, and prints which of them were closed.")
    .addOption(engine())
    .option("--runtime <name>", "OCI runtime of the engine, such as runsc")
    .option("--image <image>", "container image (default: the policy's)")
    .option("--project <directory>", "whose adopted policy is in force, where no gate runs yet")
    .addOption(json())
    .addHelpText("after", EXAMPLES.selftest)
    .action(async (options: SelftestOptions) => {
      const { selftest } = await import("./commands/selftest.ts")
      done((await selftest(ctx, { ...options, ...color() })).exit)
    })
}
