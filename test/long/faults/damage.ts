// A record of a few hundred events, and what the commands and a gateway say of it once somebody or something has damaged it.
import { cpSync } from "node:fs"
import { join } from "node:path"
import { expect } from "vitest"
import { emptyHome, type TestContext, temporaryDirectory, testContext } from "../../context.ts"
import { type Finished, nanoguard } from "../../e2e/nanoguard.ts"
import { bundleWriter, type Gateway, runGateway, startGateway } from "./gateway.ts"
import type { Told } from "./record.ts"

export const COMMANDS = [
  "audit verify",
  "audit tail",
  "audit inventory",
  "audit show 5",
  "audit export",
  "store status",
]

export interface Original {
  program: string
  home: string
  told: Told[]
}

export interface Copy {
  ctx: TestContext
  home: string
  state: string
  /** Runs a command of the built program on it. */
  run: (command: string) => Promise<Finished>
  /** Starts a gateway that appends three events, and waits for its end. */
  append: () => Promise<Gateway>
}

/** A record of 300 events, closed in order. */
export async function makeOriginal(): Promise<Original> {
  const home = join(temporaryDirectory(), "nanoguard")
  const program = await bundleWriter()
  const told = await runGateway({
    program,
    env: emptyHome({ NANOGUARD_HOME: home }),
    name: "gw",
    count: 300,
    atOnce: 8,
  })
  return { program, home, told }
}

/** The same in a place of its own. */
export function copyOf({ program, home: from }: Original): Copy {
  const home = join(temporaryDirectory(), "nanoguard")
  cpSync(from, home, { recursive: true })
  const env = emptyHome({ NANOGUARD_HOME: home })
  const ctx = testContext(home, { env, now: Date.now() })
  return {
    ...{ ctx, home, state: join(home, "state") },
    run: (command) => nanoguard(home, command.split(" "), { NANOGUARD_HOME: home }),
    async append() {
      const gateway = startGateway({ program, env, name: "after", count: 3 })
      await gateway.ended
      return gateway
    },
  }
}

/** One clear message with a documented code, no stack, and never "fine". */
export function expectRefusal({ exit, out, err }: Finished, what: RegExp): void {
  expect(exit).toBe(5)
  expect(err).toMatch(what)
  expect(err).not.toMatch(/^\s+at /m)
  expect(err.trim().split("\n").length).toBeLessThanOrEqual(3)
  expect(out).not.toContain("intact")
}

/** A gateway that would not begin: nothing acknowledged, one known error. */
export function expectNoBeginning({ told, closed, err }: Gateway, what: RegExp): void {
  expect(told).toEqual([])
  expect(closed()).toBe(false)
  // The helper program does not catch it, so that Node shows it.
  expect(err()).toMatch(/NanoguardError: /)
  expect(err()).toMatch(what)
}
