// A PostgreSQL that is killed and started again while gateways in processes of their own append: what each of them was told
// must be so.
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { createInterface } from "node:readline"
import { setTimeout as sleep } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { expect, inject, type TestContext } from "vitest"
import { emptyHome } from "../context.ts"
import { type Database, startCluster } from "../postgres.ts"

export interface Storm {
  /** How many processes append. */
  gateways: number
  /** Milliseconds from one kill to the next; the server is started again at once. */
  pauses: readonly number[]
  /**
   * Where true, not the server is ended but one of the processes that serve gateways is killed (SIGKILL, as by a system without
   * memory): the server then throws out everybody at once and recovers by itself.
   */
  backends?: boolean
}

/** What became of one event, as its gateway was told. */
interface Told {
  seq: number | "failed"
  subject: string
  message: string
}

/** Runs a storm and checks every answer against the log. Returns how many kills there were, and events acknowledged and refused. */
export async function runStorm(
  t: TestContext,
  { gateways, pauses, backends = false }: Storm,
): Promise<{ kills: number; written: number; refused: number }> {
  const cluster = await startCluster(t)
  t.onTestFinished(() => cluster.stop())
  const database = await cluster.database(true)
  const url = await database.login("gateway", "nanoguard_writer")
  const running = Array.from({ length: gateways }, (_, i) => startAppender(url, `gw${i}`))
  t.onTestFinished(() => running.forEach(({ child }) => void child.kill("SIGKILL")))
  await Promise.all(running.map(({ child }) => once(child.stdout!, "data")))
  let kills = 0
  for (const pause of pauses) {
    await sleep(pause)
    if (backends) kills += Number(await killBackend(database))
    else {
      kills++
      await cluster.kill()
      await cluster.start()
    }
  }
  // Every gateway gets through again before it is asked to end.
  const before = running.map(({ told }) => told.length)
  while (running.some(({ told }, i) => !told.slice(before[i]).some(({ seq }) => seq !== "failed"))) await sleep(50)
  for (const { child } of running) child.kill("SIGTERM")
  await Promise.all(running.map(({ ended }) => ended))
  const { rows } = await database.admin(
    "select seq, body::json->>'subject' as subject from nanoguard.events order by seq",
  )
  const told = running.flatMap((one) => one.told)
  checkAnswers(
    told,
    rows.map(({ seq, subject }) => ({ seq: Number(seq), subject })),
  )
  const refused = told.filter(({ seq }) => seq === "failed").length
  return { kills, written: told.length - refused, refused }
}

/** Kills a process that serves a gateway. False where there was none: the server recovers. */
async function killBackend(database: Database): Promise<boolean> {
  const backends = "select pid from pg_stat_activity where usename like '%gateway' order by random() limit 1"
  const found = await database.admin(backends).catch(() => undefined)
  if (!found?.rows[0]) return false
  try {
    return process.kill(Number(found.rows[0].pid), "SIGKILL")
  } catch {
    return false
  }
}

function startAppender(url: string, name: string) {
  const env = { ...emptyHome(), NANOGUARD_STORE: url }
  const child: ChildProcess = spawn(
    process.execPath,
    [fileURLToPath(new URL("appender.js", inject("programs"))), name, "1000000000", "lax"],
    {
      env,
      stdio: ["ignore", "pipe", "inherit"],
    },
  )
  const told: Told[] = []
  const lines = createInterface({ input: child.stdout! })
  lines.on("line", (line) => {
    const [seq, subject, ...message] = line.split(" ")
    told.push({ seq: seq === "failed" ? seq : Number(seq), subject: subject!, message: message.join(" ") })
  })
  return { child, told, ended: Promise.all([once(child, "exit"), once(lines, "close")]) }
}

const isLax = (subject: string) => Number(subject.split("-")[1]) % 2 === 0

function checkAnswers(told: readonly Told[], log: readonly { seq: number; subject: string }[]): void {
  expect(log.map(({ seq }) => seq)).toEqual(log.map((_, i) => i + 1))
  const places = new Map<string, number>()
  for (const { seq, subject } of log) {
    if (!subject.startsWith("gw")) continue
    expect(places.has(subject), `${subject} is in the log twice`).toBe(false)
    places.set(subject, seq)
  }
  for (const { seq, subject, message } of told) {
    // What was lax a server may lose when it goes down, and then it is nowhere.
    const lost = isLax(subject) && !places.has(subject)
    if (seq !== "failed") expect(lost ? seq : places.get(subject), `${subject} was acknowledged`).toBe(seq)
    else if (!message.includes("it may be in the log all the same")) {
      expect(message).toContain("nothing of it is in the log")
      expect(places.has(subject), `${subject} was refused`).toBe(false)
    }
  }
}
