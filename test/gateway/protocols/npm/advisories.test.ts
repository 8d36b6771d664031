import { gzipSync } from "node:zlib"
import fc from "fast-check"
import semver from "semver"
import { describe, expect, it } from "vitest"
import { answerAdvisories, MAX_BULK_BYTES } from "../../../../src/gateway/protocols/npm/advisories.ts"
import { affectedBy } from "../../../../src/packages/advisories/affects.ts"
import { fetchBulk } from "../../../../src/packages/advisories/bulk.ts"
import type { AdvisoryRecord } from "../../../../src/packages/advisories/types.ts"
import { testContext } from "../../../context.ts"
import { routes, startServer } from "../../../packages/registries/server.ts"

const FOO: AdvisoryRecord = {
  id: "GHSA-2222-3333-4444",
  kind: "vulnerability",
  severity: "medium",
  cvss: 5.3,
  ranges: [{ introduced: "1.0.0", fixed: "1.2.0" }],
}

function answer(asked: unknown, advisories: Record<string, AdvisoryRecord[]> = { foo: [FOO] }, pack = false) {
  const text = typeof asked === "string" ? asked : JSON.stringify(asked)
  const records = (_: string, name: string) =>
    Object.hasOwn(advisories, name) ? { ecosystem: "npm" as const, name, advisories: advisories[name]! } : undefined
  const affecting = (ecosystem: string, name: string, one: string) => affectedBy(records(ecosystem, name), one)
  const rendered = answerAdvisories(pack ? gzipSync(text) : Buffer.from(text), { records, affecting })
  return rendered && JSON.parse(rendered.body.toString())
}

const only = (record: Partial<AdvisoryRecord>, ...versions: string[]) =>
  answer({ foo: versions }, { foo: [{ ...FOO, ...record }] }).foo[0]

describe("the answer to an audit", () => {
  it.each([false, true])("has what applies to a version that was asked about (gzip: %s)", (pack) => {
    expect(answer({ foo: ["1.1.0", "2.0.0"], bar: ["1.0.0"] }, { foo: [FOO] }, pack)).toEqual({
      foo: [
        {
          id: 39474042565939,
          url: "https://github.com/advisories/GHSA-2222-3333-4444",
          title: "Known vulnerability in foo (GHSA-2222-3333-4444)",
          severity: "moderate",
          vulnerable_versions: ">=1.0.0 <1.2.0",
          cwe: [],
          cvss: { score: 5.3, vectorString: null },
        },
      ],
    })
    expect(answer({ foo: ["2.0.0", "1.2.0"] }, { foo: [FOO] }, pack)).toEqual({})
  })

  it("names malware as such, and where to read about it", () => {
    const malware = only({ id: "MAL-2026-1", kind: "malware", ranges: [{ introduced: "0" }] }, "1.0.0")
    expect(malware).toMatchObject({ severity: "critical", cwe: ["CWE-506"], vulnerable_versions: "*" })
    expect(malware.title).toBe("Known malware in foo (MAL-2026-1)")
    expect(only({ id: "CVE-2026-1", aliases: ["GHSA-2222-3333-4444"] }, "1.0.0").url).toContain("/GHSA-2222-3333-4444")
    expect(only({ id: "ACME-7" }, "1.0.0").url).toBe("urn:advisory:ACME-7")
    expect(only({ id: "ACME-7\u001b[2J" }, "1.0.0").title).toBe("Known vulnerability in foo (unknown)")
  })

  it.each<[Partial<AdvisoryRecord>, string, string]>([
    [{ ranges: [{ introduced: "0", fixed: "1.2.0" }] }, "1.0.0", "<1.2.0"],
    [{ ranges: [{ introduced: "0", last: "1.2.0" }] }, "1.0.0", "<=1.2.0"],
    [
      { ranges: [{ introduced: "1.0.0", below: "2.0.0" }, { introduced: "3.0.0" }] },
      "3.1.0",
      ">=1.0.0 <2.0.0 || >=3.0.0",
    ],
    [{ ranges: [], versions: ["1.0.0", "1.0.1"] }, "1.0.1", "=1.0.0 || =1.0.1"],
    // What npm's syntax cannot say, and what it would read as something else, is said of the version alone.
    [{ ranges: [{ introduced: "0", fixed: "1.2.3.4.5" }] }, "1.0.0", "=1.0.0"],
    [{ ranges: [], versions: ["1.0.0", "weird version"] }, "1.0.0", "=1.0.0"],
  ])("says of %j, asked about %s: %s", (record, version, range) => {
    expect(only(record, version).vulnerable_versions).toBe(range)
  })

  it.each(["", "[]", "null", "7", "{", '{"foo":', "\u001f\u008b"])("is none for %j", (text) => {
    expect(answer(text)).toBeUndefined()
  })

  it("passes over what no registry has", () => {
    const hostile =
      '{"__proto__":["1.0.0"],"../x":["1.0.0"],"foo":["1.1.0",7,null,"x",{"a":1}],"bar":"1.0.0","constructor":["1.0.0"]}'
    expect(Object.keys(answer(hostile))).toEqual(["foo"])
    expect(answer({ foo: { "1.0.0": true } })).toEqual({})
  })

  it("is none for a body that is too large, or unpacks to something that is", () => {
    const none = { records: () => undefined, affecting: () => [] }
    expect(answerAdvisories(undefined, none)).toBeUndefined()
    expect(answerAdvisories(Buffer.alloc(MAX_BULK_BYTES + 1, " "), none)).toBeUndefined()
    expect(answerAdvisories(gzipSync(Buffer.alloc(64 << 20, " ")), none)).toBeUndefined()
    const many = Object.fromEntries(Array.from({ length: 20_001 }, (_, index) => [`a${index}`, []]))
    expect(answerAdvisories(Buffer.from(JSON.stringify(many)), none)).toBeUndefined()
    expect(answer({ foo: Array.from({ length: 101 }, (_, index) => `1.0.${index}`) })).toBeUndefined()
  })
})

const version = fc
  .tuple(fc.nat(2), fc.nat(3), fc.nat(3), fc.constantFrom("", "", "", "-rc.1"))
  .map(([major, minor, patch, rest]) => `${major}.${minor}.${patch}${rest}`)
const interval = fc.record(
  { introduced: fc.oneof(fc.constant("0"), version), fixed: version, last: version },
  { requiredKeys: ["introduced"] },
)
const advisory = fc.record(
  {
    id: fc.integer({ min: 1000, max: 1005 }).map((number) => `CVE-2026-${number}`),
    kind: fc.constantFrom<AdvisoryRecord["kind"]>("vulnerability", "malware"),
    severity: fc.constantFrom<"low" | "critical">("low", "critical"),
    ranges: fc.array(interval, { maxLength: 3 }),
    versions: fc.array(version, { maxLength: 2 }),
  },
  { requiredKeys: ["id", "kind"] },
)

describe("any advisory", () => {
  it("is answered exactly where our own rules say that it applies, in a range that has each such version", () => {
    fc.assert(
      fc.property(
        fc.array(advisory, { maxLength: 4 }),
        fc.array(version, { minLength: 1, maxLength: 6 }),
        (records, versions) => {
          const found: { vulnerable_versions: string; title: string }[] =
            answer({ foo: versions }, { foo: records }).foo ?? []
          for (const one of versions) {
            const applying = affectedBy({ ecosystem: "npm", name: "foo", advisories: records }, one)
            for (const { id } of applying) {
              const said = found.filter(({ title }) => title.includes(id))
              const holds = said.some((entry) =>
                semver.satisfies(one, entry.vulnerable_versions, { includePrerelease: true, loose: true }),
              )
              expect(holds).toBe(true)
            }
            if (applying.length === 0 && versions.length === 1) expect(found).toEqual([])
          }
        },
      ),
    )
  })

  it("comes back as it was through our own client of the endpoint", async () => {
    const records: Record<string, AdvisoryRecord[]> = {
      foo: [FOO],
      evil: [{ id: "MAL-2026-1", kind: "malware", ranges: [{ introduced: "0" }] }],
    }
    const asked = new Map([
      ["foo", ["1.1.0", "1.2.0"]],
      ["evil", ["3.0.0"]],
    ])
    const { base } = await startServer(
      routes({ "/-/npm/v1/security/advisories/bulk": answer(Object.fromEntries(asked), records) }),
    )
    const result = await fetchBulk(testContext("/"), base, asked)
    if (!result.ok) throw new Error(result.reason)
    expect(result.affecting("foo", "1.1.0")).toMatchObject([
      { id: "GHSA-2222-3333-4444", severity: "medium", fixed: ["1.2.0"] },
    ])
    expect(result.affecting("foo", "1.2.0")).toEqual([])
    expect(result.affecting("evil", "3.0.0")).toMatchObject([{ kind: "malware", severity: "critical" }])
  })
})
