// The commands of the gate: `gateway`, and `why`.
import { type Command, Option } from "commander"
import type { GatewayEnvOptions } from "./commands/gateway.ts"
import type { GatewayExecOptions } from "./commands/gateway-exec.ts"
import type { GatewayStartOptions } from "./commands/gateway-options.ts"
import type { WhyOptions } from "./commands/why.ts"
import type { Context } from "./context.ts"
import { GATEWAY_EXAMPLES as EXAMPLES } from "./examples-gateway.ts"

type Done = (exit: number) => void
type Color = () => { color?: boolean }

const json = () => new Option("--format <format>", "output format").choices(["text", "json"]).default("text")

/** What opens a gate, for `start` and `exec`. */
function withGate(command: Command): Command {
  return command
    .option("--port <number>", "port on loopback (default: 8471; 0 for any that is free)")
    .option("--project <directory>", "whose adopted policy is in force (default: the nearest nanoguard.yaml's)")
    .option("--offline", "ask no upstream: serve what is in the cache")
    .option("--wait <seconds>", "how long a request may wait for a person, at most 10 (default: 0)")
    .option("--stale <duration>", "serve answers of up to this age while an upstream is down (default: 0, never)")
}

/** Declares what is below `gateway`. */
export function declareGateway(gateway: Command, ctx: Context, done: Done, color: Color): void {
  withGate(
    gateway
      .command("start")
      .description(
        "Runs the gate in the foreground: registries that serve only what policy approves, and a proxy for every other request.",
      ),
  )
    .option("--host <address>", "address to listen on (default: 127.0.0.1; beyond loopback with TLS and tokens only)")
    .option("--origin <url>", "how clients reach it, where that is another address")
    .option("--tls-key <file>", "private key, PEM")
    .option("--tls-cert <file>", "certificate chain, PEM")
    .option("--control <address>", "let approvers elsewhere reach the queue at host:port (with TLS and a token)")
    .option("--control-token-file <file>", "the token that they send, at least 32 characters")
    .option("--require-token", "no request without a token, on loopback neither")
    .option("--name <name>", "its name in the record (default: gateway)")
    .addOption(
      new Option("--unit <kind>", "print a service unit that starts it, and end").choices(["systemd", "launchd"]),
    )
    .addOption(json())
    .addHelpText("after", EXAMPLES.start)
    .action(async (options: GatewayStartOptions) => {
      const { gatewayStart } = await import("./commands/gateway.ts")
      done((await gatewayStart(ctx, { ...options, ...color() })).exit)
    })
  gateway
    .command("stop")
    .description("Has the gate that runs here end what is under way, and waits until it is gone.")
    .addOption(json())
    .addHelpText("after", EXAMPLES.stop)
    .action(async (options: { format?: "text" | "json" }) => {
      const { gatewayStop } = await import("./commands/gateway.ts")
      done((await gatewayStop(ctx, options)).exit)
    })
  gateway
    .command("status")
    .description(
      "Shows the gate that runs here: address, policy in force, what it lets out, what waits, the vault, the cache.",
    )
    .addOption(json())
    .addHelpText("after", EXAMPLES.status)
    .action(async (options: { format?: "text" | "json" }) => {
      const { gatewayStatus } = await import("./commands/gateway.ts")
      done((await gatewayStatus(ctx, { ...options, ...color() })).exit)
    })
  gateway
    .command("reload")
    .description("Has the gate take up the policy that was adopted last, whole or not at all.")
    .addOption(json())
    .addHelpText("after", EXAMPLES.reload)
    .action(async (options: { format?: "text" | "json" }) => {
      const { gatewayReload } = await import("./commands/gateway.ts")
      done((await gatewayReload(ctx, options)).exit)
    })
  gateway
    .command("env")
    .description(
      "Prints what leads a shell through the gate: package managers, all requests where the policy has rules for them, placeholders for keys.",
    )
    .option("--agent <name>", "whose requests they are (default: NANOGUARD_AGENT, else local)")
    .option("--run <id>", "which run they belong to (default: a new one)")
    .option("--operator <name>", "who answers for the agent (default: NANOGUARD_OPERATOR, else your account's name)")
    .option("--lasts <duration>", "how long the token is good (default: 12h)")
    .option("--network", "lead all requests through the gate (default: where the policy has rules for them)")
    .option("--no-network", "lead only package managers through the gate")
    .addOption(
      new Option("--shell <shell>", "whose words to print").choices(["posix", "fish", "powershell"]).default("posix"),
    )
    .addOption(json())
    .addHelpText("after", EXAMPLES.env)
    .action(async (options: GatewayEnvOptions) => {
      const { gatewayEnv } = await import("./commands/gateway.ts")
      done((await gatewayEnv(ctx, options)).exit)
    })
  withGate(
    gateway
      .command("exec")
      .description(
        "Runs one command behind the gate, without a box, and says at its end what was refused and exchanged.",
      )
      .argument("<command...>", "the command, after two dashes"),
  )
    .option("--agent <name>", "who runs it (default: NANOGUARD_AGENT, else local)")
    .option("--run <id>", "which run it belongs to (default: NANOGUARD_RUN, else exec-<agent>)")
    .option("--operator <name>", "who answers for the agent (default: NANOGUARD_OPERATOR, else your account's name)")
    .option("--network", "lead all requests through the gate (default: where the policy has rules for them)")
    .option("--no-network", "lead only package managers through the gate")
    .option("--quiet", "leave out the first line")
    .addHelpText("after", EXAMPLES.exec)
    .action(async (command: string[], options: GatewayExecOptions) => {
      const { gatewayExec } = await import("./commands/gateway-exec.ts")
      done((await gatewayExec(ctx, command, { ...options, ...color() })).exit)
    })
}

/** Declares `why`. */
export function declareWhy(cli: Command, ctx: Context, done: Done, color: Color): void {
  cli
    .command("why")
    .summary("what was refused, and what to do instead")
    .description("Explains a refusal: the rule, the evidence, and the way out.")
    .argument("<subject>", "a request's id, a purl with its version, or `last`")
    .option("--request-exception <reason>", "ask people to let it through for a while")
    .option("--agent <name>", "for whom (default: the agent of the request)")
    .addOption(json())
    .addHelpText("after", EXAMPLES.why)
    .action(async (subject: string, options: WhyOptions) => {
      const { why } = await import("./commands/why.ts")
      done((await why(ctx, subject, { ...options, ...color() })).exit)
    })
}
