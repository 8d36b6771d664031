// One issue in several databases is one advisory; an imported index over the snapshot.
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { combineIndexes, unite } from "../../../src/packages/advisories/combine.ts"
import { hashName } from "../../../src/packages/advisories/format.ts"
import { mergePackage } from "../../../src/packages/advisories/merge.ts"
import type { Finding } from "../../../src/packages/advisories/normalize.ts"
import { openAdvisories } from "../../../src/packages/advisories/read.ts"
import { rateVector, severityOfWord } from "../../../src/packages/advisories/severity.ts"
import type { AdvisoryRecord, Completeness, PackageRecord } from "../../../src/packages/advisories/types.ts"
import { writeIndex } from "../../../src/packages/advisories/write.ts"
import type { Advisory } from "../../../src/policy/types.ts"

const finding = (record: AdvisoryRecord): Finding => ({ ecosystem: "pypi", name: "a", record })

describe("merging", () => {
  const ghsa: AdvisoryRecord = {
    id: "GHSA-2222-2222-2222",
    aliases: ["CVE-2026-1"],
    kind: "vulnerability",
    severity: "medium",
    cvss: 5,
    ranges: [{ introduced: "0", fixed: "1.5" }],
  }
  const pysec: AdvisoryRecord = {
    id: "PYSEC-2026-1",
    aliases: ["CVE-2026-1"],
    kind: "vulnerability",
    severity: "critical",
    cvss: 9.1,
    versions: ["1.0", "1.4", "2.0", "two"],
  }
  const other: AdvisoryRecord = { id: "PYSEC-2026-2", kind: "vulnerability", ranges: [{ introduced: "0" }] }

  test("what shares an alias is one: highest rating, everything that either covers, versions that no range has", () => {
    const merged = {
      id: "GHSA-2222-2222-2222",
      aliases: ["PYSEC-2026-1", "CVE-2026-1"],
      kind: "vulnerability",
      severity: "critical",
      cvss: 9.1,
      ranges: [{ introduced: "0", fixed: "1.5" }],
      versions: ["2.0", "two"],
    }
    expect(mergePackage([ghsa, other, pysec].map(finding)).advisories).toEqual([merged, other])
    expect(mergePackage([pysec, ghsa, other].map(finding)).advisories).toEqual([merged, other])
  })

  test("malware wins, and goes by its own id", () => {
    const mal: AdvisoryRecord = {
      id: "MAL-2026-1",
      aliases: ["GHSA-2222-2222-2222"],
      kind: "malware",
      versions: ["2.0"],
    }
    const [merged] = mergePackage([ghsa, mal].map(finding)).advisories
    expect(merged).toMatchObject({ id: "MAL-2026-1", kind: "malware", aliases: ["GHSA-2222-2222-2222", "CVE-2026-1"] })
  })

  test("a withdrawn record takes itself away, not what shares its alias", () => {
    const gone: Finding = { ecosystem: "pypi", name: "a", withdrawn: "GHSA-2222-2222-2222" }
    const record = mergePackage([finding(ghsa), gone, finding(pysec)])
    expect(record.withdrawn).toEqual(["GHSA-2222-2222-2222"])
    expect(record.advisories).toEqual([pysec])
  })

  test("two of one database are two issues, even where one names the other; the same id twice is one", () => {
    const first: AdvisoryRecord = {
      id: "GHSA-vh95-rmgr-6w4m",
      aliases: ["CVE-2020-7598"],
      kind: "vulnerability",
      versions: ["1"],
    }
    const second: AdvisoryRecord = {
      id: "GHSA-xvch-5gv4-984h",
      aliases: ["CVE-2021-44906", "CVE-2020-7598", "GHSA-vh95-rmgr-6w4m"],
      kind: "vulnerability",
      versions: ["1", "2"],
    }
    const again: AdvisoryRecord = { ...first, versions: ["3"] }
    const { advisories } = mergePackage([second, first, again].map(finding))
    expect(advisories.map(({ id, versions }) => [id, versions])).toEqual([
      ["GHSA-vh95-rmgr-6w4m", ["1", "3"]],
      ["GHSA-xvch-5gv4-984h", ["1", "2"]],
    ])
  })

  test("chains of aliases meet", () => {
    const a: AdvisoryRecord = { id: "A-1", aliases: ["X-1"], kind: "vulnerability", versions: ["1"] }
    const b: AdvisoryRecord = { id: "B-1", aliases: ["X-2"], kind: "vulnerability", versions: ["2"] }
    const c: AdvisoryRecord = { id: "C-1", aliases: ["X-1", "X-2"], kind: "vulnerability", versions: ["3"] }
    expect(mergePackage([a, b, c].map(finding)).advisories.map(({ versions }) => versions)).toEqual([["1", "2", "3"]])
  })
})

describe("ratings", () => {
  // Scores as FIRST's calculators and the NVD give them.
  test.each([
    ["CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", 9.8, "critical"],
    ["CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H", 7.5, "high"],
    ["CVSS:3.1/AV:N/AC:H/PR:N/UI:N/S:U/C:N/I:N/A:L", 3.7, "low"],
    ["CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H/E:U/RL:O", 9.8, "critical"],
    ["CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", 9.3, "critical"],
    ["CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:N/VA:N/SC:N/SI:N/SA:N/E:P", 8.7, "high"],
    ["AV:N/AC:L/Au:N/C:C/I:C/A:C", 10, "high"],
  ])("%s is %f, %s", (vector, cvss, severity) => {
    expect(rateVector(vector)).toEqual({ cvss, severity })
  })
  test.each([["CVSS:3.1/AV:N"], ["CVSS:9.0/AV:N"], ["high"], [""], [7.5], [null], ["CVSS:3.1/AV:Q/AC:L"]])(
    "%j is no rating",
    (vector) => expect(rateVector(vector)).toEqual({}),
  )
  test("words", () => {
    expect(["MODERATE", "Low", "critical", "none", "", 3, "__proto__"].map(severityOfWord)).toEqual([
      "medium",
      "low",
      "critical",
      undefined,
      undefined,
      undefined,
      undefined,
    ])
  })
})

describe("an imported index over the snapshot", () => {
  let directory: string
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), "nanoguard-"))
  })
  afterAll(() => rmSync(directory, { recursive: true }))

  function open(name: string, kind: "imported" | "snapshot", completeness: Completeness, record: PackageRecord) {
    const file = join(directory, name)
    writeIndex(file, [{ hash: hashName(record.ecosystem, record.name), record }], {
      kind,
      created: "2026-01-01T00:00:00.000Z",
      asOf: "2025-12-31",
      newest: {},
      completeness: { [record.ecosystem]: completeness },
      sources: [],
      unreadable: 0,
    })
    return openAdvisories(file)
  }
  const snapshot = () =>
    open("snapshot.idx", "snapshot", "partial", {
      ecosystem: "npm",
      name: "a",
      advisories: [
        { id: "GHSA-old", kind: "vulnerability", severity: "critical", ranges: [{ introduced: "0" }] },
        { id: "MAL-1", aliases: ["GHSA-mal1"], kind: "malware", versions: ["1.0.0"] },
        { id: "MAL-2", kind: "malware", versions: ["1.0.0"] },
      ],
    })
  const imported = (completeness: Completeness) =>
    open("imported.idx", "imported", completeness, {
      ecosystem: "npm",
      name: "a",
      advisories: [
        { id: "GHSA-new", kind: "vulnerability", ranges: [{ introduced: "0" }] },
        { id: "GHSA-mal1", kind: "malware", versions: ["1.0.0"] },
      ],
      withdrawn: ["MAL-2"],
    })

  test.each<[Completeness, string[]]>([
    ["complete", ["GHSA-mal1", "GHSA-new"]],
    ["partial", ["GHSA-mal1", "GHSA-new", "GHSA-old"]],
  ])("%s: %j", (completeness, expected) => {
    const both = combineIndexes(imported(completeness), snapshot())
    expect(both.affecting("npm", "a", "1.0.0").map(({ id }) => id)).toEqual(expected)
    expect(both.completeness("npm")).toBe(completeness)
    both.close()
  })

  test("what the snapshot calls malware stays malware where the import has the same issue as a vulnerability", () => {
    const mild: PackageRecord = {
      ecosystem: "npm",
      name: "a",
      advisories: [{ id: "GHSA-mal1", aliases: ["MAL-1"], kind: "vulnerability", versions: ["1.0.0"] }],
    }
    const both = combineIndexes(open("mild.idx", "imported", "complete", mild), snapshot())
    expect(both.affecting("npm", "a", "1.0.0").map(({ id, kind }) => [id, kind])).toEqual([
      ["MAL-1", "malware"],
      ["MAL-2", "malware"],
      ["GHSA-mal1", "vulnerability"],
    ])
    both.close()
  })

  test("what two indexes both know has the highest rating that either states", () => {
    const at = (advisory: Partial<Advisory>): Advisory => ({
      ...{ id: "GHSA-1", aliases: [], kind: "vulnerability", fixed: [] },
      ...advisory,
    })
    const old = at({ severity: "low", cvss: 3 })
    expect(unite([old], [at({ id: "CVE-1", aliases: ["GHSA-1"], severity: "critical", cvss: 9.8 })])).toEqual([
      at({ severity: "critical", cvss: 9.8 }),
    ])
    expect(unite([at({ severity: "high" })], [at({ severity: "low", cvss: 2 })])).toEqual([
      at({ severity: "high", cvss: 2 }),
    ])
    // What nobody rated yet counts as high by the policy's word; a mild rating from elsewhere is a rating.
    expect(unite([at({})], [at({ severity: "low" })])).toEqual([at({ severity: "low" })])
    expect(unite([old], [])).toEqual([old])
  })

  test("malware that only the snapshot knows stays known; ecosystems that were not imported are the snapshot's", () => {
    const python: PackageRecord = {
      ecosystem: "pypi",
      name: "a",
      advisories: [{ id: "X-1", kind: "vulnerability", versions: ["1"] }],
    }
    const both = combineIndexes(open("python.idx", "imported", "complete", python), snapshot())
    expect(both.affecting("npm", "a", "1.0.0").map(({ id }) => id)).toEqual(["MAL-1", "MAL-2", "GHSA-old"])
    expect(both.affecting("pypi", "a", "1").map(({ id }) => id)).toEqual(["X-1"])
    expect([both.completeness("npm"), both.completeness("pypi"), both.completeness("cargo")]).toEqual([
      "partial",
      "complete",
      "none",
    ])
    expect([...both.packages()].length).toBe(2)
    both.close()
  })
})
