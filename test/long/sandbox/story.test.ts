// The whole story from end to end: a real agent in a real box, a person in a second terminal, a package that steals, the kill switch
// and the record. What people see of it is docs/tour.md.
import { execFileSync } from "node:child_process"
import { globSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it, onTestFinished } from "vitest"
import { useEngine } from "../../sandbox/engines.ts"
import { openMachine } from "../../story/machine.ts"
import { openStage } from "../../story/stage.ts"
import { REASON, tellStory, WINDOWS } from "../../story/story.ts"
import { tool } from "../../tools.ts"
import { SAMPLE, SEED } from "../faults/random.ts"

const SHOWN_IN = ["docker", "bubblewrap"] as const
/** All of them; of a sample one, by its seed. */
const engines = SAMPLE ? [SHOWN_IN[SEED % 2]!] : SHOWN_IN
const SIZE = { columns: 132, rows: 44, typing: 0 }

describe.each(engines)("in %s", (name) => {
  it("an agent is corrected, held, answered, robbed of nothing, and stopped", { timeout: 300_000 }, async (ctx) => {
    const { directory } = tool(ctx, "claude-code")
    const [program] = globSync("node_modules/@anthropic-ai/claude-code-*/claude", { cwd: directory })
    if (program === undefined)
      return ctx.skip("Claude Code's native program is missing: there is none for this machine")
    const { engine, image } = await useEngine(ctx, name)
    const machine = await openMachine(join(directory, program))
    onTestFinished(machine.close)
    const stage = openStage({ cwd: machine.repo, env: machine.env, ...SIZE }, WINDOWS)
    onTestFinished(stage.close)
    const parts = new Map<string, string>()
    await tellStory({
      ...{ machine, stage, pause: 0, box: { engine, ...(image !== undefined && { image }) } },
      onPart: (title, _, screen) => void parts.set(title, screen),
    })
    const nanoguard = (...args: string[]) =>
      execFileSync("nanoguard", args, { cwd: machine.repo, env: machine.env, encoding: "utf8", stdio: "pipe" })

    // The page that shows it has the same parts.
    const page = readFileSync(new URL("../../../docs/tour.md", import.meta.url), "utf8")
    const titles = Array.from(page.matchAll(/^## \d+\. (.+)$/gm), ([, title]) => title)
    expect(titles).toEqual([...parts.keys(), "What the internet saw"])

    // What the internet saw: the real keys, where policy sends them; nothing of what was refused.
    const seen = (host: string) => machine.asked.filter((one) => one.host === host)
    expect(
      seen("api.github.com").map(({ method, body, headers }) => [method, body.toString(), headers.authorization]),
    ).toEqual([["PUT", '{"merge_method":"squash"}', `Bearer ${machine.keys.github}`]])
    expect(new Set(seen("api.anthropic.com").map(({ headers }) => headers["x-api-key"]))).toEqual(
      new Set([machine.keys.anthropic]),
    )
    expect([...seen("collector.example"), ...seen("errors.example")]).toEqual([])
    const artifacts = seen("registry.example").flatMap(({ url }) => (url.endsWith(".tgz") ? [url] : []))
    expect(artifacts).toEqual(["/axios/-/axios-1.15.0.tgz", "/pretty-receipts/-/pretty-receipts-2.1.4.tgz"])

    // What the model was told is all that the agent ever knew: why, the person's words, and no key.
    const told = seen("api.anthropic.com")
      .map(({ body }) => body.toString())
      .join("\n")
    expect(told).toContain("npm install axios@1.15.0")
    expect(told).toContain(REASON)
    const screens = [...parts.values()].join("\n")
    for (const key of Object.values(machine.keys)) {
      for (const form of [key, Buffer.from(key).toString("base64").slice(0, 40)]) {
        expect(told.includes(form)).toBe(false)
        expect(screens.includes(form)).toBe(false)
      }
    }

    // What people saw.
    expect(parts.get("Held")).toMatch(
      /merge pull request acme\/shop#7\n[\s\S]*in a box\n[\s\S]*\/merge_method: merge\n/,
    )
    expect(parts.get("Yes")).toContain(`denied by ana just now: "${REASON}"`)
    expect(parts.get("The kill switch")).toMatch(
      /everything: stopped. 1 box[\s\S]*looking into pretty-receipts\n[\s\S]*exit 137/,
    )
    const after = parts.get("The agent's terminal, after that")!
    expect(after).toMatch(/installed +axios@1\.15\.0, pretty-receipts@2\.1\.4/)
    expect(after).toContain("refused POST https://collector.example/env: credential.unbound-placeholder")
    expect(after).toContain("refused POST https://errors.example/report: credential.unbound-placeholder")

    // What is on record, unbroken.
    expect(nanoguard("audit", "verify")).toContain("is intact")
    const record = parts.get("The record")!
    expect(record).toMatch(/pkg:npm\/axios@1\.15\.0/)
    expect(record).not.toContain("axios@1.6.0")
    const records = nanoguard("audit", "tail", "-n", "500", "--format", "ndjson")
    // The agent's program itself asks for nothing but its model.
    expect(records).not.toMatch(/anthropics|claude-plugins|downloads\.claude/)
    for (const type of ["sandbox.started", "sandbox.ended", "approval.denied", "approval.granted", "kill.ordered"])
      expect(records, type).toContain(`"${type}"`)
    expect(nanoguard("ps", "--format", "json")).not.toContain("claude-1")
  })
})
