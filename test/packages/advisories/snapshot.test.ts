// The snapshot that ships, against facts that anybody can look up.
import { existsSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { buildSnapshot } from "../../../scripts/advisories.ts"
import { openAdvisories } from "../../../src/packages/advisories/read.ts"
import { findSnapshot } from "../../../src/packages/advisories/snapshot.ts"
import type { AdvisoryIndex } from "../../../src/packages/advisories/types.ts"

let directory: string
let index: AdvisoryIndex
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "nanoguard-"))
  await buildSnapshot(directory)
  index = openAdvisories(join(directory, "advisories.idx"))
})
afterAll(() => {
  index.close()
  rmSync(directory, { recursive: true })
})

const ids = (ecosystem: string, name: string, version: string) =>
  index.affecting(ecosystem, name, version).map(({ id }) => id)
const malware = (ecosystem: string, name: string, version: string) =>
  index
    .affecting(ecosystem, name, version)
    .filter(({ kind }) => kind === "malware")
    .map(({ id }) => id)

describe("known malware", () => {
  test.each([
    ["npm", "axios", "1.14.1", "MAL-2026-2307"],
    ["npm", "axios", "0.30.4", "MAL-2026-2307"],
    ["npm", "plain-crypto-js", "4.2.1", "MAL-2026-2306"],
    ["npm", "chalk", "5.6.1", "MAL-2025-46969"],
    ["npm", "debug", "4.4.2", "MAL-2025-46974"],
    ["npm", "event-stream", "3.3.6", "GHSA-mh6f-8j2x-4483"],
    ["npm", "flatmap-stream", "0.1.1", "MAL-2025-20690"],
    ["npm", "node-ipc", "10.1.2", "GHSA-97m3-w2cp-4xx6"],
    ["npm", "node-ipc", "12.0.1", "MAL-2026-3744"],
    ["npm", "postmark-mcp", "1.0.18", "MAL-2025-47604"],
    ["npm", "@solana/web3.js", "1.95.7", "MAL-2024-11183"],
    ["pypi", "litellm", "1.82.7", "MAL-2026-2144"],
    ["pypi", "litellm", "1.82.8", "MAL-2026-2144"],
    ["pypi", "coloramma", "0.0.1", "MAL-2023-1694"],
  ])("%s %s %s is %s", (ecosystem, name, version, id) => {
    expect(malware(ecosystem, name, version)).toEqual([id])
  })

  test.each([
    ["npm", "axios", "1.14.0"],
    ["npm", "axios", "1.15.0"],
    ["npm", "chalk", "5.6.0"],
    ["npm", "chalk", "5.6.2"],
    ["npm", "debug", "4.4.3"],
    ["npm", "event-stream", "3.3.5"],
    ["npm", "node-ipc", "10.1.3"],
    ["npm", "postmark-mcp", "1.0.15"],
    ["npm", "@solana/web3.js", "1.95.8"],
    ["pypi", "litellm", "1.82.6"],
  ])("%s %s %s is not malware", (ecosystem, name, version) => {
    expect(malware(ecosystem, name, version)).toEqual([])
  })

  test("comes before everything else, with its other names", () => {
    const [first, second] = index.affecting("npm", "axios", "1.14.1")
    expect(first).toEqual({ id: "MAL-2026-2307", aliases: ["GHSA-fw8c-xr5c-95f9"], kind: "malware", fixed: [] })
    expect(second).toEqual({
      id: "GHSA-3p68-rc4w-qgx5",
      aliases: ["CVE-2025-62718"],
      kind: "vulnerability",
      severity: "critical",
      cvss: 9.3,
      fixed: ["1.15.0"],
    })
  })
})

describe("vulnerabilities", () => {
  test("a fix on each branch is named", () => {
    expect(index.affecting("npm", "debug", "3.0.0").find(({ id }) => id === "GHSA-gxpj-cx7g-858c")).toMatchObject({
      aliases: ["CVE-2017-16137"],
      severity: "low",
      cvss: 3.7,
      fixed: ["2.6.9", "3.1.0", "3.2.7", "4.3.1"],
    })
    expect(ids("npm", "debug", "2.6.9")).toEqual([])
  })

  test("npm's own ranges of 2013-2020, with the fix they name", () => {
    expect(index.affecting("npm", "bassmaster", "1.5.1")).toEqual([
      {
        id: "NSWG-ECO-1",
        aliases: ["CVE-2014-7205"],
        kind: "vulnerability",
        severity: "medium",
        cvss: 6.5,
        fixed: ["1.5.2"],
      },
    ])
    expect(ids("npm", "bassmaster", "1.5.2")).toEqual([])
  })

  test("several branches of one PyPI range", () => {
    const affected = ["4.2", "5.1", "5.0"].map((version) => ids("pypi", "accesscontrol", version).length)
    const fine = ["3.9", "4.3", "4.3.1", "5.2", "6.0"].map((version) => ids("pypi", "accesscontrol", version).length)
    expect(affected).toEqual([2, 2, 2])
    expect(fine).toEqual([0, 0, 0, 0, 0])
    // The two name one GHSA id between them, and are two CVEs.
    expect(ids("pypi", "accesscontrol", "5.1")).toEqual(["PYSEC-2021-335", "PYSEC-2021-370"])
  })

  test("PEP 440 decides, not the text: pre-releases, epochs, other spellings", () => {
    expect(ids("pypi", "apache-airflow", "2.3.1rc1")).toContain("PYSEC-2022-42981")
    expect(ids("pypi", "apache-airflow", "v2.3.0")).toContain("PYSEC-2022-42981")
    expect(ids("pypi", "apache-airflow", "2.3.1")).not.toContain("PYSEC-2022-42981")
    expect(ids("pypi", "admesh", "0.98.4+local.1")).toEqual(["PYSEC-2022-182"])
  })

  test("withdrawn ones are gone, and their ids are remembered", () => {
    expect(ids("pypi", "flask-caching", "1.10.0")).toEqual([])
    expect(index.records("pypi", "flask-caching")).toMatchObject({ advisories: [], withdrawn: ["PYSEC-2021-13"] })
    expect(index.records("pypi", "redis")?.advisories.map(({ id }) => id)).not.toContain("PYSEC-2023-73")
  })
})

describe("the file", () => {
  test("says that it is partial, and of what", () => {
    expect(index.info).toMatchObject({
      kind: "snapshot",
      records: 3843,
      counts: {
        npm: { packages: 667, vulnerability: 1119, malware: 64 },
        pypi: { packages: 669, vulnerability: 2646, malware: 14 },
      },
      completeness: { npm: "partial", pypi: "partial" },
      unreadable: 0,
    })
    expect(index.completeness("cargo")).toBe("none")
    expect(["npm", "pypi", "cargo", "golang", "maven", "__proto__"].map(index.covers)).toEqual([
      true,
      true,
      false,
      false,
      false,
      false,
    ])
  })

  test("a package about which the source says nothing more than its name is undecided, not fine", () => {
    expect(index.affecting("pypi", "steam", "1.0").invalid).toBe(true)
  })

  test("ships with the build, and is found from sources, bundle and chunks", () => {
    const built = findSnapshot()
    expect(built !== undefined && existsSync(built)).toBe(true)
    const dist = new URL("../../../dist/", import.meta.url)
    expect(findSnapshot(new URL("cli.js", dist).href)).toBe(built)
    expect(findSnapshot(new URL("chunks/x-1234.js", dist).href)).toBe(built)
  })
})
