// Hours in which nobody is asked, by clocks of the world.
import { describe, expect, test } from "vitest"
import { panelOf } from "../../src/approvals/panel.ts"
import { quietAt } from "../../src/approvals/quiet.ts"
import type { Approvers } from "../../src/policy/compiled.ts"
import { loadPolicy } from "../../src/policy/load.ts"
import { BUILT_IN } from "../../src/policy/risk.ts"

const at = (time: string) => Date.parse(`2026-07-01T${time}:00Z`)
const policy = (approvers: string) => loadPolicy(`version: 1\napprovers: ${approvers}\n`, "nanoguard.yaml")
const night = (zone: string, from = "22:00", to = "07:00") =>
  policy(`{ ops: { people: [ana], quiet: { from: "${from}", to: "${to}", zone: ${zone} } } }`)

describe("quiet hours", () => {
  test.each([
    ["UTC", "21:59", false],
    ["UTC", "22:00", true],
    ["UTC", "00:00", true],
    ["UTC", "06:59", true],
    ["UTC", "07:00", false],
    ["Europe/Berlin", "19:59", false],
    ["Europe/Berlin", "20:00", true],
    ["Europe/Berlin", "04:59", true],
    ["Europe/Berlin", "05:00", false],
    ["Asia/Kolkata", "16:29", false],
    ["Asia/Kolkata", "16:30", true],
  ])("in %s at %s UTC: %s", (zone, time, quiet) => {
    expect(quietAt(night(zone), "ops", at(time)) !== undefined).toBe(quiet)
  })

  test("within a day, too", () => {
    const noon = night("UTC", "12:00", "13:00")
    expect(["11:59", "12:00", "12:59", "13:00"].map((time) => quietAt(noon, "ops", at(time)) !== undefined)).toEqual([
      ...[false, true, true, false],
    ])
  })

  test("follow the clock where it is set forward and back", () => {
    const berlin = night("Europe/Berlin", "01:30", "03:30")
    // 29 March 2026: 02:00 becomes 03:00; 25 October: 03:00 becomes 02:00.
    const quiet = (time: string) => quietAt(berlin, "ops", Date.parse(time)) !== undefined
    expect(["2026-03-29T00:29Z", "2026-03-29T00:30Z", "2026-03-29T01:29Z", "2026-03-29T01:30Z"].map(quiet)).toEqual([
      ...[false, true, true, false],
    ])
    expect(["2026-10-24T23:30Z", "2026-10-25T02:29Z", "2026-10-25T02:30Z"].map(quiet)).toEqual([true, true, false])
  })

  test("are those of the group that is asked; of several, only where all of them are quiet", () => {
    const two = policy(`{
      a: { people: [ana], quiet: { from: "22:00", to: "07:00", zone: UTC } },
      b: { people: [ben], quiet: { from: "06:00", to: "08:00", zone: UTC } } }`)
    expect(quietAt(two, "b", at("23:00"))).toBeUndefined()
    expect(quietAt(two, "", at("23:00"))).toBeUndefined()
    expect(quietAt(two, "", at("06:30"))).toMatchObject({ from: "22:00" })
    expect(quietAt(policy("{}"), "", at("23:00"))).toBeUndefined()
    expect(quietAt(two, "none", at("23:00"))).toBeUndefined()
  })

  test("are all hours where nobody knows the zone", () => {
    const group: Approvers = {
      ...{ people: ["ana"], quorum: 1, expire: 1, layer: 0 },
      quiet: { from: "22:00", to: "07:00", zone: "Mars/Olympus" },
    }
    expect(quietAt({ approvers: new Map([["ops", group]]), risks: BUILT_IN }, "ops", at("12:00"))).toBeDefined()
  })

  test("are never told without what the policy demands at a level: that may be more than what is built in", () => {
    const { risks: _, ...rest } = night("UTC")
    expect(() => quietAt(rest as never, "ops", at("12:00"))).toThrow()
    expect(() => panelOf(rest as never, "ops", "critical")).toThrow()
  })

  test("are no part of who is asked", () => {
    expect(panelOf(night("UTC"), "ops").panel).toEqual({ group: "ops", people: ["ana"], quorum: 1 })
  })
})
