import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { readCuration } from "../../../src/gateway/upstream/curation.ts"
import { isWaiverReason, readWaiver } from "../../../src/gateway/upstream/waiver.ts"

const LEAD = "download was blocked by JFrog Packages Curation service due to the following policies violated"
const CRITICAL = "CVE with CVSS score of 9 or above (with or without a fix version available)"

const envelope = (message: string) => JSON.stringify({ errors: [{ status: 403, message }] })
const read = (message: string) => readCuration({ body: envelope(message) })

describe("a refusal of JFrog Curation", () => {
  it("is read in the documented form", () => {
    const group = `block-critical-cve, ${CRITICAL}, Package version contains the following vulnerability(s): CVE-2026-4800: 9.8, Upgrade to the following version(s): CVE-2026-4800: 4.18.0`
    expect(read(`Package lodash:4.17.20 ${LEAD} {${group}}.`)).toEqual({
      name: "lodash",
      version: "4.17.20",
      policies: [
        {
          policy: "block-critical-cve",
          condition: CRITICAL,
          explanation: "Package version contains the following vulnerability(s): CVE-2026-4800: 9.8",
          recommendation: "Upgrade to the following version(s): CVE-2026-4800: 4.18.0",
        },
      ],
      cves: ["CVE-2026-4800"],
      upgrades: ["4.18.0"],
    })
  })

  it("is read where every text has commas, over several groups and bars for new lines", () => {
    const first = `no criticals, ever, ${CRITICAL}, Package version contains the following vulnerability(s): CVE-2026-1: 9.8, CVE-2026-48001: 9.1 | CVE-2026-48002: 10.0, found today, Upgrade to the following version(s): CVE-2026-48001: 4.18.0, CVE-2026-48002: v1.0.0-rc.1, as soon as you can`
    const second =
      "age, Immature package (14 days, or fewer), Package version is 3 days old, which is too young, Use version 4.17.5, or wait until it is older"
    const block = read(`Package @acme/left-pad:4.17.20 ${LEAD} {${first}},{${second}}. [waivers allowed]`)
    expect(block).toMatchObject({ name: "@acme/left-pad", version: "4.17.20", waiver: true })
    expect(block!.policies).toEqual([
      {
        policy: "no criticals, ever",
        condition: CRITICAL,
        explanation:
          "Package version contains the following vulnerability(s): CVE-2026-1: 9.8, CVE-2026-48001: 9.1; CVE-2026-48002: 10.0, found today",
        recommendation:
          "Upgrade to the following version(s): CVE-2026-48001: 4.18.0, CVE-2026-48002: v1.0.0-rc.1, as soon as you can",
      },
      {
        policy: "age",
        condition: "Immature package (14 days, or fewer)",
        explanation: "Package version is 3 days old, which is too young",
        recommendation: "Use version 4.17.5, or wait until it is older",
      },
    ])
    expect(block!.upgrades).toEqual(["4.18.0", "v1.0.0-rc.1", "4.17.5"])
    expect(block!.cves).toEqual(["CVE-2026-48001", "CVE-2026-48002"])
  })

  it("is read in the forms of reports from users", () => {
    const wild =
      "package Express:3.0.1 download was blocked by jfrog packages curation service due to the following policies violated {End of Life,Blocking Express as it is EOL,because it is old,take another}. For details and alternatives, visit: https://registry.example/ui/catalog/packages/details/npm/Express/3.0.1?showVersions=true"
    expect(read(wild)).toEqual({
      name: "Express",
      version: "3.0.1",
      policies: [
        {
          policy: "End of Life",
          condition: "Blocking Express as it is EOL",
          explanation: "because it is old",
          recommendation: "take another",
        },
      ],
    })
    expect(read(`Package github.com/acme/tool:v1.2.3 ${LEAD} {p,c}`)).toMatchObject({
      name: "github.com/acme/tool",
      version: "v1.2.3",
      policies: [{ policy: "p", condition: "c" }],
    })
    expect(read(`Package org.acme:tool:1.2.3 ${LEAD} {p,c}`)).toMatchObject({ name: "org.acme:tool", version: "1.2.3" })
  })

  it("is read from npm's notice, alone or beside a body that says the same", () => {
    const notice = `package highcharts:8.2.0 ${LEAD} {legal, Banned licenses, License is not OSI approved}`
    const expected = {
      name: "highcharts",
      version: "8.2.0",
      policies: [{ policy: "legal", condition: "Banned licenses", explanation: "License is not OSI approved" }],
    }
    expect(readCuration({ body: "", notice })).toEqual(expected)
    expect(readCuration({ body: "<html>403</html>", notice: [notice] })).toEqual(expected)
    expect(readCuration({ body: envelope(notice), notice })).toEqual(expected)
    const all = "All versions blocked - {policy:block, all of it,condition:Malicious package}"
    expect(readCuration({ body: "{}", notice: all })).toEqual({
      policies: [{ policy: "block, all of it", condition: "Malicious package" }],
    })
  })

  it("is pending where nothing was decided yet", () => {
    const missing =
      "Package a:1.0.0 download was blocked by JFrog Packages Curation service due to package not being found in the catalog"
    expect(read(missing)).toEqual({ name: "a", version: "1.0.0", policies: [], pending: true })
    const scan = `Package a:1.0.0 ${LEAD} {on-demand, Curation on-demand scan in progress}`
    expect(read(scan)).toMatchObject({ pending: true, policies: [{ policy: "on-demand" }] })
  })

  it("is read without its envelope, and out of broken JSON", () => {
    const message = `Package a:1.0.0 ${LEAD} {p, Malicious package, The package steals "tokens", Remove it}`
    const policies = [
      {
        policy: "p",
        condition: "Malicious package",
        explanation: 'The package steals "tokens"',
        recommendation: "Remove it",
      },
    ]
    for (const body of [
      message,
      JSON.stringify({ message }),
      JSON.stringify({ error: message }),
      JSON.stringify(message),
    ])
      expect(readCuration({ body })).toEqual({ name: "a", version: "1.0.0", policies })
    const cut = envelope(message).slice(0, -3)
    expect(readCuration({ body: cut })!.policies).toEqual(policies)
    // Other messages before it, which the peer's own reader stops at.
    const second = JSON.stringify({ errors: [{ status: 403, message: "Forbidden" }, null, 3, { message }] })
    expect(readCuration({ body: second })!.policies).toEqual(policies)
  })

  it("is not any other refusal", () => {
    for (const body of [
      "",
      "{}",
      "null",
      "[]",
      envelope("Forbidden"),
      envelope("not being found"),
      '{"errors":[]}',
      "{a,b}",
    ])
      expect(readCuration({ body })).toBeUndefined()
  })

  const word = fc.constantFrom("acme", "prod", "legal team", "no (really, none)", "x.y", "9")
  const texts = fc.array(word, { minLength: 1, maxLength: 4 }).map((words) => words.join(", "))
  const condition = fc.constantFrom(CRITICAL, "Malicious package", "Immature package", "Banned licenses")
  const explanation = texts.map((text) => `The package is not good, ${text}`)
  const recommendation = texts.map((text) => `Upgrade to version 1.2.3, ${text}`)
  // Two texts, or all four, as Curation writes them.
  const short = fc.record({ policy: texts, condition })
  const group = fc.oneof(short, fc.record({ policy: texts, condition, explanation, recommendation }))

  it("gives back every text, wherever commas are", () => {
    fc.assert(
      fc.property(fc.array(group, { minLength: 1, maxLength: 5 }), (groups) => {
        const written = groups.map((texts) => `{${Object.values(texts).join(", ")}}`)
        const found = read(`Package a:1.0.0 ${LEAD} ${written.join(",")}.`)!.policies
        const unique = new Map(groups.map((texts) => [`${texts.policy}\n${texts.condition}`, texts]))
        expect(found).toHaveLength(unique.size)
        for (const policy of found) expect(unique.has(`${policy.policy}\n${policy.condition}`)).toBe(true)
        expect(found[0]).toEqual(groups[0])
      }),
    )
  })

  const noise = fc.array(
    fc.oneof(
      fc.string({ unit: "binary" }),
      fc.constantFrom("{", "}", "},{", ",", "(", ")", " | ", "CVE-2026-1234: 1.2.3", "Upgrade to", '"'),
    ),
    { maxLength: 60 },
  )

  it("never throws, and stays within bounds, whatever was written", () => {
    fc.assert(
      fc.property(noise, fc.boolean(), (parts, wrapped) => {
        const message = `Package a:1.0.0 ${LEAD} ${parts.join("")}`
        const block = readCuration({ body: wrapped ? envelope(message) : message, notice: parts })!
        expect(block.policies.length).toBeLessThanOrEqual(20)
        for (const text of block.policies.flatMap((policy) => Object.values(policy))) {
          expect(text.length).toBeLessThanOrEqual(1_000)
          expect(text).toMatch(/^[\x20-\x7e]*$/)
        }
        for (const version of block.upgrades ?? []) expect(version).toMatch(/^[\w.+~!-]{1,500}$/)
      }),
    )
    fc.assert(fc.property(fc.string({ unit: "binary" }), (body) => void readCuration({ body, notice: body })))
  })

  it("takes no time over what was made to take it", () => {
    for (const piece of ["(", "{", "},{", ",", "{a,", "1.", "package a:", "CVE-1", "policy:", "|", "\\u0041"]) {
      const message = `${LEAD} {${piece.repeat(200_000)}`
      expect(readCuration({ body: message })).toBeDefined()
      expect(readCuration({ body: envelope(message), notice: message })).toBeDefined()
    }
  })
})

describe("a waiver", () => {
  it("has a reason that a header can carry", () => {
    for (const reason of ["needed", "x".repeat(300), "it's for the demo, see #12"])
      expect(isWaiverReason(reason)).toBe(true)
    for (const reason of ["four", "     ", "x".repeat(301), "a\r\nb: c", "größer", "\u0000".repeat(6)])
      expect(isWaiverReason(reason)).toBe(false)
  })

  it("is read from the documented answer", () => {
    expect(readWaiver(envelope("1234|pending"))).toEqual({ ok: true, id: "1234", state: "pending" })
    expect(readWaiver(envelope("ab-12|Approved"))).toEqual({ ok: true, id: "ab-12", state: "approved" })
    expect(readWaiver(envelope("|forbidden"))).toEqual({ ok: true, id: "", state: "forbidden" })
    expect(readWaiver("77 | error")).toEqual({ ok: true, id: "77", state: "error" })
    for (const body of [
      "",
      "{}",
      envelope("pending"),
      envelope("1|granted"),
      envelope("<b>1</b>|pending"),
      '{"errors":3}',
    ])
      expect(readWaiver(body)).toBeUndefined()
  })
})
