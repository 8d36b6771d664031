// `ps --watch` on a real terminal, with a real box.
import { join, resolve } from "node:path"
import { expect, test } from "vitest"
import { openEngines } from "../../../src/sandbox/engines/index.ts"
import { sweepBoxes } from "../../../src/sandbox/sweep.ts"
import { temporaryDirectory } from "../../context.ts"
import { hasTmux, openTerminal } from "../../e2e/terminal.ts"
import { useEngine } from "../../sandbox/engines.ts"
import { deadOwner, keepBox } from "../../sandbox/process-engine.ts"
import { homeContext, startBox } from "../../sandbox/real-boxes.ts"

test("shows boxes as they come and go, fits any terminal, and gives it back", async (t) => {
  await useEngine(t, "bubblewrap")
  if (!hasTmux()) t.skip("tmux is missing: apt-get install tmux")
  const home = temporaryDirectory()
  const ctx = homeContext(home)
  const cli = `${process.execPath} ${resolve("bin/nanoguard.js")}`
  const terminal = openTerminal(home, `${cli} ps --watch`, ctx.env as Record<string, string>, [120, 20])
  t.onTestFinished(() => terminal.close())
  await terminal.waitFor("No box is running. Start one: nanoguard run")
  const run = `run-${process.pid.toString(16).padStart(12, "0")}`
  await startBox(ctx, "bubblewrap", { run, agent: "claude-1", directory: join(home, "work") })
  const shown = await terminal.waitFor(new RegExp(`claude-1 +${run} +olga +bubblewrap +\\d+s .*running`))
  expect(shown).toMatch(/1 box.*q ends/)
  terminal.resize(40, 6)
  await terminal.waitFor(/AGENT +RUN +OPERATOR +EN\n/)
  terminal.resize(120, 20)
  const engine = openEngines(ctx).find(({ name }) => name === "bubblewrap")!
  const [box] = await engine.list()
  await engine.freeze(box!)
  await terminal.waitFor("frozen")
  // Its owner dies: the next look, of whoever looks, ends it.
  keepBox(ctx, run, "claude-1", { owner: await deadOwner() })
  await terminal.waitFor("lost")
  await sweepBoxes(ctx, [engine])
  await terminal.waitFor("No box is running.")
  terminal.press("q")
  await terminal.waitFor("[exit 0]")
  expect(terminal.screen()).not.toContain("q ends")
})
