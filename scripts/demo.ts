// The whole story in your terminal, in under two minutes: `npm run demo`. Nothing of it leaves this machine, and nothing stays on it.
// Usage: node scripts/demo.ts [--engine bubblewrap|docker|podman] [--image <name>] [--plain]
import { parseArgs } from "node:util"
import { openMachine } from "../test/story/machine.ts"
import { openStage } from "../test/story/stage.ts"
import { tellStory, WINDOWS } from "../test/story/story.ts"
import { findBox, findClaude, findMissing } from "../test/story/where.ts"

const { values } = parseArgs({
  options: { engine: { type: "string" }, image: { type: "string" }, plain: { type: "boolean" } },
})
const say = (text: string) => void process.stdout.write(text)

const box = findBox(values.engine, values.image)
const missing = [...findMissing(), ...(typeof box === "string" ? [box] : [])]
const claude = missing.length === 0 ? findClaude(say) : undefined
if (missing.length === 0 && claude === undefined)
  missing.push("Claude Code is missing: npm could not fetch @anthropic-ai/claude-code, or has none for this machine")
if (claude === undefined || typeof box === "string") {
  say(`The demo needs more than is here:\n${missing.map((line) => `  ${line}\n`).join("")}`)
  process.exit(5)
}

// Somebody looks on where this is a terminal; else each part is printed as it comes.
const watched = process.stdout.isTTY === true && process.stdin.isTTY === true && values.plain !== true
const machine = await openMachine(claude)
const { columns = 110, rows = 36 } = process.stdout
const size = { columns: Math.max(columns, 80), rows: Math.max(rows, 30), typing: watched ? 40 : 0 }
const stage = openStage({ cwd: machine.repo, env: machine.env, ...size }, WINDOWS)
const close = async () => {
  stage.close()
  await machine.close()
}
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
  process.once(signal, () => void close().then(() => process.exit(1)))
const started = performance.now()
const leaving = watched ? stage.attach().then(() => "left" as const) : new Promise<never>(() => {})
const telling = tellStory({
  ...{ machine, stage, box, pause: watched ? 2_200 : 0 },
  onPart: (title, text, screen) => {
    if (!watched) say(`\n== ${title}: ${text}\n\n${screen.trim()}\n`)
  },
})
try {
  const left = await Promise.race([telling.then(() => "told" as const), leaving])
  stage.close()
  if (watched) await leaving
  if (left === "told") sayWhatWasSeen()
} catch (error) {
  stage.close()
  if (watched) await leaving
  say(`The story broke off: ${(error as Error).message}\n`)
  process.exitCode = 1
} finally {
  telling.catch(() => {})
  await close()
}

function sayWhatWasSeen(): void {
  const count = (host: string) => machine.asked.filter((one) => one.host === host).length
  const real = machine.asked.filter(({ headers }) => headers.authorization === `Bearer ${machine.keys.github}`).length
  say(`
What the internet of the story saw, in ${Math.round((performance.now() - started) / 1000)} seconds:
  api.github.com     ${real} request with the real key, which was never in the box: the merge that a person approved
  collector.example  ${count("collector.example")} requests: the thief's host
  errors.example     ${count("errors.example")} requests: the crash reports, where the thief hid the token
All of it, with what each part means: docs/tour.md
`)
}
