import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, test } from "vitest"
import { auditInventory, type InventoryOptions } from "../../src/commands/audit-inventory.ts"
import { EXIT } from "../../src/errors.ts"
import { EPOCH, mcpEvent, networkEvent, packageEvent, plainEvent, skillEvent } from "../audit/events.ts"
import { emptyHome, temporaryDirectory, testContext } from "../context.ts"
import { cyclonedxValidator } from "../render/schemas.ts"
import { type Recorded, recordEvents } from "./record.ts"

const HOUR = 3_600_000
const ana = { agent: "ana-bot", run: "r1", operator: "ana@acme.example", boxed: true }
const ben = { agent: "ben-bot", run: "r2", operator: "ben@acme.example", boxed: false }

const story = () =>
  recordEvents([
    plainEvent("sandbox.started", { ...ana, time: EPOCH }),
    packageEvent("lodash", "4.17.20", { ...ana, time: EPOCH + HOUR }),
    packageEvent("esbuild", "0.25.1", { ...ana, time: EPOCH + HOUR, by: ["cy@acme.example"] }),
    networkEvent("api.example.com", { ...ana, time: EPOCH + 2 * HOUR }),
    plainEvent("sandbox.ended", { ...ana, time: EPOCH + 3 * HOUR, outcome: "released" }),
    plainEvent("sandbox.started", { ...ben, time: EPOCH + 26 * HOUR }),
    packageEvent("lodash", "4.17.20", { ...ben, time: EPOCH + 27 * HOUR }),
    packageEvent("evil", "1.0.0", { ...ben, time: EPOCH + 27 * HOUR, effect: "deny" }),
    mcpEvent("github", "search", { ...ben, time: EPOCH + 28 * HOUR, effect: "allow" }),
    skillEvent("pdf", "1.2.0", { ...ben, time: EPOCH + 28 * HOUR }),
  ])

async function ask({ context }: Recorded, options: InventoryOptions = {}, view: "agents" | "items" | "both" = "both") {
  const ctx = context()
  const { exit, report } = await auditInventory(ctx, view, options)
  return { exit, report, out: ctx.out(), err: ctx.err() }
}

describe("audit inventory", () => {
  test("who runs and ran, and what each consumed, by whose approval", async () => {
    const { out, exit } = await ask(await story())
    expect(exit).toBe(EXIT.ok)
    expect(out).toContain("Agents: 2, 1 run going on")
    expect(out).toMatch(
      /ben-bot +1, 1 running +ben@acme\.example +sha256:\w+ +no +2026-11-02 02:00Z +2026-11-02 04:00Z +5/,
    )
    expect(out).toMatch(/ana-bot +1 +ana@acme\.example +sha256:\w+ +yes +2026-11-01 00:00Z +2026-11-01 03:00Z +5/)
    expect(out).toMatch(
      /package +pkg:npm\/lodash@4\.17\.20 +sha512-\S+ +ana-bot, ben-bot +2026-11-01 01:00Z +2026-11-02 03:00Z +2 +-/,
    )
    expect(out).toMatch(/package +pkg:npm\/esbuild@0\.25\.1 .* 1 +cy@acme\.example/)
    for (const kind of ["host +api.example.com", "mcp +github@2.1.0", "skill +pdf@1.2.0"])
      expect(out).toMatch(new RegExp(kind))
    expect(out).not.toContain("evil")
    expect(out).toContain("1 other use was asked for and not given: --refused shows them.")
  })

  test("--as-of a day is the end of that day; what came later is not there", async () => {
    const { out, report } = await ask(await story(), { asOf: "2026-11-01" })
    expect(report.asOf).toBe("2026-11-01T23:59:59.999Z")
    expect(report.agents.map(({ agent }) => agent)).toEqual(["ana-bot"])
    expect(out).toContain("As of 2026-11-01 23:59Z, from 10 records.")
    const earlier = (await ask(await story(), { asOf: "2026-11-01T02:30:00Z" })).report
    expect(earlier.agents[0]).toMatchObject({ running: 1, events: 4 })
  })

  test("--refused is what was asked for and not given", async () => {
    const { out, report } = await ask(await story(), { refused: true })
    expect(report.items.map(({ name }) => name)).toEqual(["pkg:npm/evil"])
    expect(out).toContain("Asked for and not given: 1 item")
  })

  test("--touched: who has it, since when", async () => {
    const recorded = await story()
    const { out } = await ask(recorded, { touched: "pkg:npm/lodash@4.17.20" })
    expect(out).toMatch(/^pkg:npm\/lodash@4\.17\.20: 2 agents have it\./)
    expect(out).toMatch(/ana-bot +pkg:npm\/lodash@4\.17\.20 +2026-11-01 01:00Z/)
    const none = await ask(recorded, { touched: "pkg:npm/left-pad" })
    expect(none.exit).toBe(EXIT.ok)
    expect(none.out).toMatch(/^pkg:npm\/left-pad: no agent has it\./)
    const refused = await ask(recorded, { touched: "CVE-2026-1234" })
    expect(refused.out).toMatch(/^CVE-2026-1234: no agent has it\./)
    expect(refused.out).toContain("1 other use was asked for and not given")
  })

  test("an advisory whose local index is damaged: what the record says, why that is not all, and exit 5", async () => {
    const recorded = await story()
    writeFileSync(join(recorded.env["NANOGUARD_HOME"]!, "advisories.idx"), "not an index")
    const { out, exit, report } = await ask(recorded, { touched: "CVE-2026-1234" })
    expect(exit).toBe(EXIT.environment)
    expect(report.touched!.index).toMatchObject({ searched: false })
    expect(out).toContain("Only verdicts on record were searched")
    expect((await ask(recorded, { touched: "pkg:npm/lodash" })).exit).toBe(EXIT.ok)
  })

  test("--format csv: one table, a row for each use or each run", async () => {
    const recorded = await story()
    const items = (await ask(recorded, { format: "csv" })).out.split("\r\n")
    expect(items[0]).toBe(
      "kind,name,version,digest,agent,outcome,operator,approvers,policy,first,last,count,first_seq,last_seq,because",
    )
    expect(items).toHaveLength(8)
    expect(items.at(-1)).toBe("")
    expect(items[2]).toMatch(
      /^mcp,github,2\.1\.0,sha256:\w+,ben-bot,released,ben@acme\.example,,sha256:\w+,2026-11-02T04:00:00\.000Z,2026-11-02T04:00:00\.000Z,1,9,9,$/,
    )
    const agents = (await ask(recorded, { format: "csv" }, "agents")).out.split("\r\n")
    expect(agents[0]).toBe("agent,run,state,boxed,operator,policy,gateway,first,last,started,ended,outcome,records")
    expect(agents[2]).toMatch(/^ben-bot,r2,running,no,ben@acme\.example,/)
  })

  test("--format cyclonedx: a valid document for one agent, MCP servers and hosts as services", async () => {
    const recorded = await story()
    const validate = cyclonedxValidator()
    const bom = JSON.parse((await ask(recorded, { format: "cyclonedx", agent: "ben-bot" })).out)
    validate(bom)
    expect(validate.errors ?? []).toEqual([])
    expect(bom.metadata.component).toMatchObject({ type: "application", name: "ben-bot" })
    expect(
      bom.components.map(({ type, name, version, purl }: Record<string, string>) => [type, name, version, purl]),
    ).toEqual([
      ["library", "lodash", "4.17.20", "pkg:npm/lodash@4.17.20"],
      ["data", "pdf", "1.2.0", undefined],
    ])
    expect(bom.components[0].hashes).toEqual([{ alg: "SHA-512", content: expect.stringMatching(/^[0-9a-f]{128}$/) }])
    expect(bom.components[1].hashes).toEqual([{ alg: "SHA-256", content: expect.stringMatching(/^[0-9a-f]{64}$/) }])
    expect(bom.services).toMatchObject([{ name: "github", version: "2.1.0" }])
    const hosts = JSON.parse((await ask(recorded, { format: "cyclonedx", agent: "ana-bot" })).out)
    validate(hosts)
    expect(validate.errors ?? []).toEqual([])
    expect(hosts.services).toMatchObject([{ name: "api.example.com", "x-trust-boundary": true }])
    expect(JSON.stringify(hosts)).toContain("cy@acme.example")
  })

  test("a bill of materials is of one agent, and of what it was given", async () => {
    const { context } = await story()
    for (const options of [{}, { agent: "nobody" }, { agent: "ana-bot", refused: true }] as const)
      await expect(auditInventory(context(), "both", { ...options, format: "cyclonedx" })).rejects.toMatchObject({
        exit: EXIT.usage,
      })
  })

  test("JSON is the whole answer, one document", async () => {
    const { out, report } = await ask(await story(), { format: "json" })
    expect(JSON.parse(out)).toEqual(report)
    expect(report).toMatchObject({ schema: "nanoguard.audit-inventory/1", seq: 10, others: 1, refused: false })
  })

  test("no record: exit 5; an empty one: exit 3; a time that is none: exit 2", async () => {
    const nowhere = testContext(temporaryDirectory(), { env: emptyHome() })
    await expect(auditInventory(nowhere, "both")).rejects.toMatchObject({ exit: EXIT.environment })
    const { context } = await recordEvents([])
    await expect(auditInventory(context(), "both")).rejects.toMatchObject({ exit: EXIT.nothingChecked })
    await expect(auditInventory(context(), "both", { asOf: "soon" })).rejects.toMatchObject({ exit: EXIT.usage })
  })
})
