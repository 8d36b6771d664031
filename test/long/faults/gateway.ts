// Gateways as processes of their own, and what each was told.
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { createInterface } from "node:readline"
import { expect, onTestFinished } from "vitest"
import { bundleProgram } from "./bundle.ts"
import type { Told } from "./record.ts"

/** Bundles the gateway, to be started any number of times in this test. */
export const bundleWriter = () => bundleProgram(new URL("./writer.ts", import.meta.url))

/** A refusal as the caller saw it. */
export interface Refused {
  id: string
  /** Whether it was a `NanoguardError`. */
  known: boolean
  message: string
  exit?: number
  hint?: string
}

export interface Gateway {
  name: string
  child: ChildProcess
  told: Told[]
  refused: Refused[]
  /** Whether it ended by itself, with the store closed. */
  closed: () => boolean
  /** What it wrote to stderr. */
  err: () => string
  /** Resolves at its first answer, or at its end. */
  answered: Promise<unknown>
  ended: Promise<unknown>
}

export interface GatewayOptions {
  /** What `bundleWriter` made. */
  program: string
  env: Readonly<Record<string, string | undefined>>
  name: string
  /** How many events; without end where absent. */
  count?: number
  atOnce?: number
  /** Some of its events are lax (`isLax`). */
  mixed?: boolean
  /** What runs it: the program and its arguments before Node's. */
  under?: readonly string[]
}

/** Starts one; it is killed at the latest when the test ends. */
export function startGateway(options: GatewayOptions): Gateway {
  const { program, env, name, count = 1e9, atOnce = 4, mixed = false, under = [] } = options
  const given = [program, name, String(count), String(atOnce), ...(mixed ? ["mixed"] : [])]
  const [command, ...args] = [...under, process.execPath, ...given]
  const child = spawn(command!, args, { env: env as NodeJS.ProcessEnv, stdio: ["ignore", "pipe", "pipe"] })
  onTestFinished(() => void child.kill("SIGKILL"))
  const told: Told[] = []
  const refused: Refused[] = []
  let [closed, err] = [false, ""]
  child.stderr!.setEncoding("utf8").on("data", (text) => {
    err += text
  })
  const answered = Promise.withResolvers<void>()
  const lines = createInterface({ input: child.stdout! })
  lines.on("line", (line) => {
    const answer = readAnswer(line)
    if (answer === "closed") closed = true
    else if (answer && "seq" in answer) told.push(answer)
    else if (answer) refused.push(answer)
    answered.resolve()
  })
  lines.on("close", answered.resolve)
  const ended = Promise.all([once(child, "exit"), once(lines, "close")])
  return { name, child, told, refused, closed: () => closed, err: () => err, answered: answered.promise, ended }
}

/** Opens the store once more in a process of its own, appends so many events, closes it; expects no refusal. */
export async function runGateway(options: GatewayOptions & { count: number }): Promise<Told[]> {
  const gateway = startGateway(options)
  await gateway.ended
  expect(gateway.err()).toBe("")
  expect(gateway.refused).toEqual([])
  expect(gateway.closed()).toBe(true)
  expect(gateway.told).toHaveLength(options.count)
  return gateway.told
}

/** One line of a writer; undefined for one that its death cut short. */
export function readAnswer(line: string): Told | Refused | "closed" | undefined {
  if (line.startsWith("closed ")) return "closed"
  const failed = /^failed (\S+) (\{.*\})$/.exec(line)
  if (failed) return { id: failed[1]!, ...JSON.parse(failed[2]!) }
  const [, seq, id] = /^(\d+) (\S+-\d+)$/.exec(line) ?? []
  return seq === undefined ? undefined : { seq: Number(seq), id: id! }
}
