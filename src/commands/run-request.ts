// What `nanoguard run` is asked for on its command line, checked.
import { existsSync } from "node:fs"
import { dirname, join } from "node:path"
import type { Context } from "../context.ts"
import { EXIT, NanoguardError } from "../errors.ts"
import type { PublishedPort } from "../gateway/boxes/types.ts"
import { operatorOf } from "../gateway/operator.ts"
import { COMMAND_LIMIT, isShort } from "../sandbox/command.ts"
import type { RunRequest } from "../sandbox/run.ts"
import { readAgent } from "./agent-name.ts"
import type { RunOptions } from "./run.ts"
import { checkSummary } from "./run-summary.ts"

/** Throws `NanoguardError` (usage) where a command and a swarm are both there or neither is, and where the command is too long. */
export function checkArguments(command: readonly string[], options: RunOptions): void {
  if ((command.length === 0) === (options.swarm === undefined))
    throw new NanoguardError(
      options.swarm === undefined ? "run wants a command, or --swarm with a file" : "a swarm's file names its commands",
      {
        exit: EXIT.usage,
        hint:
          options.swarm === undefined
            ? "give the command after two dashes: nanoguard run -- claude"
            : "leave out the one after the two dashes",
      },
    )
  if (!isShort(command))
    throw new NanoguardError("the command is too long", {
      exit: EXIT.usage,
      hint: `${COMMAND_LIMIT}; put it into a file`,
    })
}

/** Who the agent is, as it was named or by its program; not checked yet. */
export const agentOf = ({ env }: Pick<Context, "env">, [program = ""]: readonly string[], { agent }: RunOptions) =>
  agent ?? env["NANOGUARD_AGENT"] ?? nameOf(program)

/** A run as the command line asks for it, of the agent `named`. Errors: usage. */
export function readRequest(
  ctx: Context,
  { named, command, options }: { named: string; command: readonly string[]; options: RunOptions },
): RunRequest {
  const { engine, runtime, image, workspace, timeout } = options
  if (options.summary !== undefined) checkSummary(ctx, options.summary)
  if (timeout !== undefined && !/^[1-9]\d{0,5}[smhd]$/.test(timeout))
    throw new NanoguardError("--timeout is no duration", { exit: EXIT.usage, hint: "write it as 90s, 30m or 2h" })
  return {
    agent: readAgent(named),
    operator: options.operator ?? operatorOf(ctx),
    ...{ command, root: rootOf(ctx.cwd), engine, runtime, image, workspace, timeout },
    publish: (options.publish ?? []).map(readPublish),
    forward: (options.forward ?? []).map(readForward),
    // In this order: Node makes stdin when it is asked for.
    tty: ctx.stdout.isTTY === true && ctx.stdin.isTTY === true,
    keepOutput: true,
  }
}

/** An agent goes by its program where nobody named it. */
const nameOf = (program: string) =>
  program
    .split("/")
    .at(-1)!
    .replace(/[^A-Za-z0-9._@-]+/g, "-")
    .replace(/^[^A-Za-z0-9]+/, "")
    .slice(0, 64) || "agent"

/** What becomes the workspace: where the policy lies, else the repository, else the directory itself. */
function rootOf(cwd: string): string {
  for (const mark of ["nanoguard.yaml", ".git"]) {
    for (let at = cwd; ; at = dirname(at)) {
      if (existsSync(join(at, mark))) return at
      if (dirname(at) === at) break
    }
  }
  return cwd
}

const isPort = (text: string | undefined) => /^[1-9]\d{0,4}$/.test(text ?? "") && Number(text) < 65_536

function readPublish(text: string): PublishedPort {
  const parts = text.split(":")
  if (parts.length <= 2 && parts.every(isPort)) return { host: Number(parts[0]), box: Number(parts.at(-1)) }
  throw new NanoguardError("--publish wants a port, or two: 3000, or 8080:3000", { exit: EXIT.usage })
}

function readForward(text: string): string {
  const [, local, host, port] = /^(\d+):([A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]+\]):(\d+)$/.exec(text) ?? []
  if (isPort(local) && isPort(port) && host !== undefined) return text
  throw new NanoguardError("--forward wants a port of the box, a host and its port: 5432:db.example:5432", {
    exit: EXIT.usage,
  })
}
