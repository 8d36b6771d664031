// A killed gateway's write-ahead log that lost its end: nothing that was acknowledged is given up without a word.
import { cpSync, statSync, truncateSync } from "node:fs"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { expect } from "vitest"
import type { Context } from "../../../src/context.ts"
import { openReader } from "../../../src/store/open.ts"
import { emptyHome, temporaryDirectory, testContext } from "../../context.ts"
import { bundleWriter, runGateway, startGateway } from "./gateway.ts"
import type { Random } from "./random.ts"
import { expectWhole } from "./record.ts"

export interface Truncations {
  /** Ends cut off below what a checkpoint or the index had seen: the store refused to append. */
  refused: number
  /** Ends of which no witness knew: the log went on, and told how much was torn. */
  healed: number
}

const GONE = /NanoguardError: the record ends at \d+, and its (index|newest checkpoint) has seen \d+: records are gone/
const EXCHANGED = /NanoguardError: the record was exchanged: its index belongs to \S+, not to \S+/

/** Kills a gateway, then cuts its WAL at random places; expects either a refusal that says why, or a log that is whole again. */
export async function truncateAtRandom(cuts: number, random: Random): Promise<Truncations> {
  const program = await bundleWriter()
  const home = join(temporaryDirectory(), "nanoguard")
  const gateway = startGateway({ program, env: emptyHome({ NANOGUARD_HOME: home }), name: "gw", atOnce: 8 })
  await gateway.answered
  const at = { env: { NANOGUARD_HOME: home } }
  while (gateway.told.length < 400 || (await lengthsNow(at)).witnessed < 200) await sleep(20)
  gateway.child.kill("SIGKILL")
  await gateway.ended
  const size = statSync(join(home, "state", "record.db-wal")).size
  const sum = { refused: 0, healed: 0 }
  for (let n = 0; n < cuts; n++) {
    const copy = join(temporaryDirectory(), "nanoguard")
    cpSync(home, copy, { recursive: true })
    const wal = join(copy, "state", "record.db-wal")
    // Half of them near the end, where the last commits are.
    const cut = random.chance(0.5) ? random.below(size) : size - random.below(Math.min(size, 120_000))
    truncateSync(wal, cut)
    const env = emptyHome({ NANOGUARD_HOME: copy })
    const ctx = testContext(copy, { env, now: Date.now() })
    const known = await lengths(ctx)
    const next = startGateway({ program, env, name: "next", count: 2 })
    await next.ended
    if (known.log < known.witnessed) {
      expect(next.told).toEqual([])
      expect(next.err()).toMatch(known.log < 0 ? EXCHANGED : GONE)
      // Nothing was written over what is left.
      if (known.log >= 0) expect((await lengths(ctx)).log).toBe(known.log)
      sum.refused++
      continue
    }
    expect(next.err()).toBe("")
    const kept = gateway.told.filter(({ seq }) => seq <= known.log)
    const { log } = await expectWhole(ctx, [...kept, ...next.told])
    expect(log[known.log]).toMatchObject({ type: "log.recovered", detail: { gateways: ["gw"], lastSeq: known.log } })
    sum.healed++
  }
  // The file as the kill left it: everything is there.
  const told = await runGateway({ program, env: emptyHome({ NANOGUARD_HOME: home }), name: "last", count: 1 })
  const ctx = testContext(home, { env: emptyHome({ NANOGUARD_HOME: home }), now: Date.now() })
  await expectWhole(ctx, [...gateway.told, ...told])
  return sum
}

interface Lengths {
  /** As SQLite finds it; -1 where it finds no tables. */
  log: number
  /** How long its checkpoints and its index say that it was. */
  witnessed: number
}

/** Reads them from a copy, as reading recovers what a crash left. */
function lengths(ctx: Pick<Context, "env">): Promise<Lengths> {
  const copy = join(temporaryDirectory(), "nanoguard")
  cpSync(ctx.env["NANOGUARD_HOME"]!, copy, { recursive: true })
  return lengthsNow({ env: { ...ctx.env, NANOGUARD_HOME: copy } })
}

async function lengthsNow(ctx: Pick<Context, "env">): Promise<Lengths> {
  const reader = await openReader(ctx).catch(() => undefined)
  if (!reader) return { log: -1, witnessed: 0 }
  try {
    const max = (rows: readonly { n: unknown }[]) => Number(rows[0]?.n ?? 0)
    const { db } = reader
    const log = max(
      await db
        .selectFrom("events")
        .select(({ fn }) => fn.max("seq").as("n"))
        .execute(),
    )
    const signed = max(
      await db
        .selectFrom("checkpoints")
        .select(({ fn }) => fn.max("size").as("n"))
        .execute(),
    )
    const derived = max(await db.selectFrom("derived").select("value as n").where("name", "=", "seq").execute())
    return { log, witnessed: Math.max(signed, derived) }
  } finally {
    await reader.close()
  }
}
