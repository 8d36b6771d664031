// `policy suggest` from a real record: what it reads, what it counts, how it ends.
import { describe, expect, it } from "vitest"
import type { NewEvent } from "../../src/audit/types.ts"
import { policySuggest } from "../../src/commands/policy-suggest.ts"
import { decide } from "../../src/policy/decide.ts"
import { loadPolicy } from "../../src/policy/load.ts"
import type { NetworkAction } from "../../src/policy/types.ts"
import { packageEvent } from "../audit/events.ts"
import { emptyHome, NOW, temporaryDirectory, testContext, writeFiles } from "../context.ts"
import { action } from "../policy/support.ts"
import { recordEvents } from "./record.ts"

const POLICY = "version: 1\nmode: observe\nnetwork: [{ id: known, allow: known.example.com }]\n"
const policy = loadPolicy(POLICY, "nanoguard.yaml")

function requested(text: string, over: Partial<NewEvent> = {}, addresses = ["93.184.216.34"]): NewEvent {
  const asked = action(text) as NetworkAction
  const evidence = { now: NOW, addresses, counters: {} }
  const verdict = decide(policy, asked, evidence)
  const base = {
    type: "network.decided",
    subject: verdict.subject,
    gateway: "gw",
    agent: "coder",
    run: "r-1",
    time: NOW,
  }
  return { ...base, outcome: "released", decision: { action: asked, evidence, verdict }, ...over } as NewEvent
}

async function recorded(...events: NewEvent[]) {
  const ctx = (await recordEvents(events)).context()
  writeFiles(ctx.cwd, { "nanoguard.yaml": POLICY })
  return ctx
}

describe("policy suggest", () => {
  it("prints the rules that would have allowed what a run asked for", async () => {
    const ctx = await recorded(
      requested("GET https://api.example.com/v1/items/17"),
      requested("GET https://api.example.com/v1/items/18"),
      {
        type: "network.repeated",
        subject: "requests",
        gateway: "gw",
        agent: "coder",
        run: "r-1",
        time: NOW,
        detail: { of: ["1 x40", "99 x5", "no x1"] },
      },
      requested("GET https://known.example.com/"),
      requested("GET https://inside.example.com/", {}, ["10.0.0.1"]),
      requested("POST https://other.example.com/", { run: "r-2" }),
      packageEvent(),
    )
    const { report, exit } = await policySuggest(ctx, { run: "r-1" })
    expect(exit).toBe(0)
    expect(report).toMatchObject({
      requests: 44,
      allowed: 1,
      denied: [{ code: "network.private-address", requests: 1 }],
    })
    expect(ctx.out()).toBe(`# 42 requests of 44 that no rule names: 1 rule would have allowed them.
# An agent chose them: read each before it is pasted.
network:
  # 42 requests, records 1 to 2
  - { id: api-example-com-read, allow: api.example.com, methods: [GET], paths: ["/v1/items/*"] }
# 1 request: allowed as it is
# 1 request: network.private-address by floor.private-address (built-in), which no rule that allows outweighs
`)
  })

  it("makes no rule of a secret that the record does not keep", async () => {
    const ctx = await recorded(requested(`GET https://api.example.com/t/ghp_${"aB3dE5gH7jK9".repeat(3)}`))
    const { report } = await policySuggest(ctx, { format: "json" })
    expect(report).toMatchObject({ requests: 1, unusual: 1, rules: [] })
    expect(JSON.parse(ctx.out())).toEqual(report)
  })

  it("looks at the time, agent and run that it is told, and says where there is nothing", async () => {
    const ctx = await recorded(
      requested("GET https://a.example.com/", { time: NOW - 7_200_000 }),
      requested("GET https://b.example.com/", { agent: "reviewer", run: "r-2" }),
    )
    const count = async (options: object) => (await policySuggest(ctx, options)).report.requests
    expect(await count({})).toBe(2)
    expect(await count({ since: "1h" })).toBe(1)
    expect(await count({ agent: "reviewer" })).toBe(1)
    expect((await policySuggest(ctx, { run: "r-3" })).exit).toBe(3)
    await expect(policySuggest(ctx, { since: "never" })).rejects.toMatchObject({ exit: 2 })
    await expect(policySuggest(ctx, { policy: "none.yaml" })).rejects.toMatchObject({ exit: 4 })
    const nowhere = testContext(temporaryDirectory({ "nanoguard.yaml": POLICY }), { env: emptyHome() })
    await expect(policySuggest(nowhere, {})).rejects.toMatchObject({ exit: 5 })
  })
})
