// A gateway killed at one of the points of its life, and the record that it left.
import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdirSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { text } from "node:stream/consumers"
import { expect } from "vitest"
import { openAnchor } from "../../../src/audit/anchors/index.ts"
import { openReader } from "../../../src/store/open.ts"
import { emptyHome, type TestContext, temporaryDirectory, testContext } from "../../context.ts"
import { bundleProgram } from "./bundle.ts"
import { bundleWriter, readAnswer, runGateway } from "./gateway.ts"
import { expectWhole, type Told } from "./record.ts"

const POINTS = new URL("./points.ts", import.meta.url).href
const SCENARIO = new URL("./scenario.ts", import.meta.url)

export interface Point {
  thread: string
  at: number
}

export interface Programs {
  /** The life that is to be ended. */
  scenario: string
  writer: string
}

/** Bundles both. */
export async function bundlePrograms(): Promise<Programs> {
  return { scenario: await bundleProgram(SCENARIO), writer: await bundleWriter() }
}

/** How many points each thread passes when nobody kills it. */
export async function countPoints({ scenario }: Programs): Promise<Record<string, number>> {
  const counts = temporaryDirectory()
  const { lines } = await live(scenario, place(), { POINTS_COUNT: counts })
  expect(lines.at(-1)).toBe("closed life")
  return Object.fromEntries(readdirSync(counts).map((name) => [name, Number(readFileSync(join(counts, name), "utf8"))]))
}

/** Lives until that point; then expects what was acknowledged, nothing half, and a store that goes on. Whether it was killed. */
export async function killAt(programs: Programs, { thread, at }: Point): Promise<boolean> {
  const ctx = place()
  const { lines, signal } = await live(programs.scenario, ctx, { POINTS_THREAD: thread, POINTS_AT: String(at) })
  // Where threads take turns differently this time, there may be fewer points.
  if (signal !== "SIGKILL") expect(lines.at(-1)).toBe("closed life")
  const told = lines.flatMap((line) => {
    const batch = /^batch (\d+) (\d+) (\d+)$/.exec(line)
    if (batch) return batch.slice(1).map((seq, i): Told => ({ seq: Number(seq), id: `life-${i + 2}` }))
    const answer = readAnswer(line)
    return typeof answer === "object" && "seq" in answer ? [answer] : []
  })
  const signed = Number(/^checkpoint (\d+)$/.exec(lines.find((line) => line.startsWith("checkpoint ")) ?? "")?.[1] ?? 0)

  told.push(...(await runGateway({ program: programs.writer, env: ctx.env, name: "next", count: 1 })))
  const anchor = openAnchor(ctx.env["NANOGUARD_ANCHORS"]!, ctx)
  const { log, report } = await expectWhole(ctx, told, [anchor])
  const subjects = log.map(({ subject }) => subject)
  expect(subjects).not.toContain("life-666")
  const batch = subjects.filter((subject) => ["life-2", "life-3", "life-4"].includes(subject)).length
  expect([0, 3]).toContain(batch)
  expect(await countClaims(ctx)).toBe(batch / 3)
  // The next one signed and published all of it when it closed; what the killed one had published agrees, or this were a branch.
  expect(report.checkpoints.newest).toBe(log.length)
  expect(report.anchors[0]).toMatchObject({ state: "consistent", newest: log.length })
  expect(signed).toBeLessThanOrEqual(log.length)
  return signal === "SIGKILL"
}

function place(): TestContext {
  const directory = temporaryDirectory()
  const witness = join(directory, "witness")
  mkdirSync(witness)
  return testContext(directory, { env: emptyHome({ NANOGUARD_ANCHORS: `dir:${witness}` }), now: Date.now() })
}

async function live(program: string, ctx: TestContext, points: Record<string, string>) {
  const child = spawn(process.execPath, ["--import", POINTS, program], {
    env: { ...ctx.env, ...points } as NodeJS.ProcessEnv,
    stdio: ["ignore", "pipe", "pipe"],
  })
  const [out, err, [, signal]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "exit")])
  expect(err).toBe("")
  return { lines: out.trim().split("\n"), signal: signal as NodeJS.Signals | null }
}

async function countClaims(ctx: TestContext): Promise<number> {
  const reader = await openReader(ctx)
  try {
    const rows = await reader.db.selectFrom("settings").select("name").where("name", "=", "claim").execute()
    return rows.length
  } finally {
    await reader.close()
  }
}
