// `advisories update` and `status` with a context of the test's own: sources on the web, a terminal, a home.

import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { createServer, type RequestListener, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { PassThrough, Writable } from "node:stream"
import { gunzipSync } from "node:zlib"
import { afterEach, beforeEach, describe, expect, test } from "vitest"
import { advisoriesStatus, advisoriesUpdate } from "../../../src/commands/advisories.ts"
import type { Context } from "../../../src/context.ts"
import { dataHome } from "../../../src/home.ts"
import { fetchBulk } from "../../../src/packages/advisories/bulk.ts"
import { addBulk } from "../../../src/packages/advisories/combine.ts"
import { describeAdvisories, openDefaultAdvisories } from "../../../src/packages/advisories/index.ts"
import { zipOf } from "./make-zip.ts"

let home: string
let servers: Server[]
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "nanoguard-"))
  servers = []
})
afterEach(async () => {
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve).closeAllConnections())))
  rmSync(home, { recursive: true })
})

function sink(isTTY = false) {
  const chunks: string[] = []
  const stream = new Writable({
    write(chunk, _, done) {
      chunks.push(String(chunk))
      done()
    },
  })
  return { stream: Object.assign(stream, { isTTY }), text: () => chunks.join("") }
}

function context(overrides: Partial<Context> = {}) {
  const stdout = sink()
  const stderr = sink()
  const ctx: Context = {
    cwd: home,
    env: { NANOGUARD_HOME: join(home, "state") },
    now: () => Date.parse("2026-06-11"),
    stdin: new PassThrough(),
    stdout: stdout.stream,
    stderr: stderr.stream,
    fetch: (input, init) => globalThis.fetch(input, init),
    exec: () => Promise.reject(new Error("not used")),
    ...overrides,
  }
  return { ctx, stdout, stderr }
}

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
}

const osv = (ecosystem: string, name: string, id: string) =>
  JSON.stringify({
    id,
    modified: "2026-06-01T00:00:00Z",
    affected: [
      {
        package: { ecosystem, name },
        ranges: [{ type: "ECOSYSTEM", events: [{ introduced: "0" }, { fixed: "2.0.0" }] }],
      },
    ],
  })

describe("update", () => {
  test("from OSV's exports, one archive for each ecosystem", async () => {
    const asked: string[] = []
    const { ctx, stdout, stderr } = context({
      fetch: async (input) => {
        const path = new URL(String(input)).pathname
        asked.push(path)
        const name = path.split("/")[1]!
        return new Response(new Uint8Array(zipOf({ "X.json": osv(name, "shared", `X-${asked.length}`) })))
      },
    })
    const { report, exit } = await advisoriesUpdate(ctx, {})
    expect(exit).toBe(0)
    expect(asked).toEqual(["/npm/all.zip", "/PyPI/all.zip", "/crates.io/all.zip", "/Go/all.zip"])
    expect(report.info.completeness).toEqual({
      npm: "complete",
      pypi: "complete",
      cargo: "complete",
      golang: "complete",
    })
    expect(stdout.text()).toContain("npm       1 vulnerability, 0 malware, 1 package; as of 2026-06-01; complete")
    expect(stderr.text()).toBe("")
    const index = openDefaultAdvisories(ctx)
    expect(index.affecting("golang", "shared", "v1.9.9").map(({ id }) => id)).toEqual(["X-4"])
    expect(index.affecting("golang", "shared", "v2.0.0")).toEqual([])
    // The snapshot's malware still counts; its vulnerabilities do not, now that the import is complete.
    expect(index.affecting("npm", "axios", "1.14.1").map(({ id }) => id)).toEqual(["MAL-2026-2307"])
    expect(describeAdvisories(index)).toEqual({
      kind: "imported",
      records: 4,
      asOf: "2026-06-01",
      ecosystems: ["npm", "pypi", "cargo", "golang"],
      partial: false,
    })
    index.close()
    expect(readdirSync(join(home, "state"))).toEqual(["advisories.idx"])
  })

  test("of one ecosystem keeps the others; a source of the user's is partial unless it says otherwise", async () => {
    const { ctx } = context()
    writeFileSync(join(home, "a.ndjson"), `${osv("npm", "a", "X-1")}\n${osv("PyPI", "b", "X-2")}\n`)
    writeFileSync(join(home, "b.ndjson"), `${osv("npm", "c", "X-3")}\n${osv("PyPI", "d", "X-4")}\n`)
    await advisoriesUpdate(ctx, { from: ["a.ndjson"], complete: true })
    const { report } = await advisoriesUpdate(ctx, { from: [join(home, "b.ndjson")], ecosystem: ["PYPI"] })
    expect(report.info.completeness).toEqual({ npm: "complete", pypi: "partial" })
    expect(report.info.sources).toEqual([
      { name: "a.ndjson", records: 2, ecosystems: ["npm", "pypi"] },
      { name: "b.ndjson", records: 1, ecosystems: ["pypi"] },
    ])
    const index = openDefaultAdvisories(ctx)
    expect(["a", "c"].map((name) => index.affecting("npm", name, "1.0.0").length)).toEqual([1, 0])
    expect(["b", "d"].map((name) => index.affecting("pypi", name, "1.0.0").length)).toEqual([0, 1])
    index.close()
  })

  test("over http, to this machine only; credentials and query of a URL are not shown", async () => {
    const base = await serve((_, response) => response.end(osv("npm", "a", "X-1")))
    const { ctx, stdout } = context()
    await advisoriesUpdate(ctx, { from: [`${base}feed.json?token=secret`] })
    expect(stdout.text()).toContain(`from ${base}feed.json (1 record)`)
    expect(stdout.text()).not.toContain("secret")
    const elsewhere = advisoriesUpdate(ctx, { from: ["http://advisories.example/all.zip"] })
    await expect(elsewhere).rejects.toMatchObject({ exit: 2 })
  })

  test.each<[string, RequestListener, string]>([
    ["answers 404", (_, response) => response.writeHead(404).end(), "it answered 404"],
    [
      "breaks off",
      (_, response) => response.writeHead(200, { "content-length": "1000" }).write("x", () => response.destroy()),
      "the connection failed",
    ],
    [
      "redirects to plain http elsewhere",
      (_, response) => response.writeHead(302, { location: "http://other.example/" }).end(),
      "only fetched over https",
    ],
    [
      "redirects for ever",
      (_, response) => response.writeHead(302, { location: "/again" }).end(),
      "more than 5 redirects",
    ],
  ])("a source that %s changes nothing", async (_, listener, problem) => {
    const { ctx } = context()
    writeFileSync(join(home, "a.ndjson"), osv("npm", "a", "X-1"))
    await advisoriesUpdate(ctx, { from: ["a.ndjson"] })
    const before = readFileSync(join(home, "state", "advisories.idx"))
    const base = await serve(listener)
    await expect(advisoriesUpdate(ctx, { from: ["a.ndjson", base] })).rejects.toThrow(problem)
    expect(readFileSync(join(home, "state", "advisories.idx")).equals(before)).toBe(true)
    expect(readdirSync(join(home, "state"))).toEqual(["advisories.idx"])
  })

  test.each([
    [{ from: ["missing"] }, 2],
    [{ ecosystem: ["maven"] }, 2],
    [{ from: ["https://"] }, 2],
  ])("%j is exit %d", async (options, exit) => {
    await expect(advisoriesUpdate(context().ctx, options)).rejects.toMatchObject({ exit })
  })

  test("shows progress on a terminal, and clears it", async () => {
    const stderr = sink(true)
    const { ctx, stdout } = context({ stderr: stderr.stream })
    writeFileSync(join(home, "a.ndjson"), `${osv("npm", "a", "X-1")}\n`.repeat(1000))
    await advisoriesUpdate(ctx, { from: ["a.ndjson"], format: "json" })
    expect(stderr.text()).toBe("\r\u001b[2Ka.ndjson: 1,000 records\r\u001b[2K")
    expect(JSON.parse(stdout.text())).toMatchObject({
      schema: "nanoguard.advisories-update/1",
      read: 1000,
      info: { records: 1 },
    })
  })

  test("names from the input reach the terminal harmless", async () => {
    const { ctx, stdout } = context()
    const zip = zipOf({ "ok.json": osv("npm", "a", "X-1"), "\u001b[2Jbad\r\n::error::.json": "{" })
    writeFileSync(join(home, "a.zip"), zip)
    await advisoriesUpdate(ctx, { from: ["a.zip"] })
    expect(stdout.text()).toContain("could not be read: 1 record")
    expect(stdout.text()).not.toMatch(/[\u001b\r]/)
  })
})

describe("status", () => {
  test("of the snapshot alone", async () => {
    const { ctx, stdout } = context()
    const { report, exit } = await advisoriesStatus(ctx, {})
    expect(exit).toBe(0)
    expect(report).toMatchObject({ imported: null, snapshot: { checksum: "ok", ageDays: 22, info: { records: 3843 } } })
    expect(stdout.text()).toContain("Nothing imported")
    expect(stdout.text()).toContain("partial: a miss proves nothing")
    expect(stdout.text()).toMatch(/Cargo +not covered/)
  })

  test("of a damaged import: exit 5, and a vet refuses to search it", async () => {
    const { ctx, stdout } = context()
    writeFileSync(join(home, "a.ndjson"), osv("npm", "a", "X-1"))
    await advisoriesUpdate(ctx, { from: ["a.ndjson"] })
    const file = join(home, "state", "advisories.idx")
    const bytes = readFileSync(file)
    writeFileSync(file, bytes.subarray(0, bytes.length - 1))
    const { exit } = await advisoriesStatus(ctx, { format: "json" })
    expect(exit).toBe(5)
    expect(stdout.text()).toContain('"checksum": "damaged"')
    expect(() => openDefaultAdvisories(ctx)).toThrow("the advisory index is damaged")
  })
})

test("the home: NANOGUARD_HOME, XDG_DATA_HOME where absolute, the user's own", () => {
  expect(dataHome({ env: { NANOGUARD_HOME: "/a", XDG_DATA_HOME: "/b", HOME: "/c" } })).toBe("/a")
  expect(dataHome({ env: { XDG_DATA_HOME: "/b", HOME: "/c" } })).toBe(join("/b", "nanoguard"))
  expect(dataHome({ env: { XDG_DATA_HOME: "b", HOME: "/c" } })).toBe(join("/c", ".local", "share", "nanoguard"))
  expect(() => dataHome({ env: { NANOGUARD_HOME: "a" } })).toThrow("not an absolute path")
  expect(existsSync("a")).toBe(false)
})

describe("npm's bulk endpoint", () => {
  const advisory = {
    id: 1094499,
    url: "https://github.com/advisories/GHSA-xvch-5gv4-984h",
    title: "never stored",
    severity: "critical",
    vulnerable_versions: "<0.2.4 || >=1.0.0 <1.2.6",
    cwe: ["CWE-1321"],
    cvss: { score: 9.8, vectorString: "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H" },
  }

  test("asks for versions, reads ranges", async () => {
    let asked: unknown
    const base = await serve((request, response) => {
      const chunks: Buffer[] = []
      request.on("data", (chunk) => chunks.push(chunk))
      request.on("end", () => {
        asked = [request.method, request.url, JSON.parse(gunzipSync(Buffer.concat(chunks)).toString())]
        response.end(JSON.stringify({ minimist: [advisory], other: [advisory], __proto__: [advisory] }))
      })
    })
    const result = await fetchBulk(context().ctx, `${base}npm`, new Map([["minimist", ["1.2.5", "1.2.6"]]]))
    expect(asked).toEqual(["POST", "/npm/-/npm/v1/security/advisories/bulk", { minimist: ["1.2.5", "1.2.6"] }])
    if (!result.ok) throw new Error(result.reason)
    expect(result.affecting("minimist", "1.2.5")).toMatchObject([
      { id: "GHSA-xvch-5gv4-984h", kind: "vulnerability", severity: "critical", cvss: 9.8, fixed: ["0.2.4", "1.2.6"] },
    ])
    expect(result.affecting("minimist", "1.2.6")).toEqual([])
    expect(result.affecting("other", "1.2.5")).toEqual([])

    const index = openDefaultAdvisories(context().ctx)
    const both = addBulk(index, result, true)
    // A mirror's answer adds what it names, and its silence says nothing.
    expect(addBulk(index, result, false).completeness("npm")).toBe("partial")
    const ids = (name: string, version: string) => both.affecting("npm", name, version).map(({ id }) => id)
    expect(index.completeness("npm")).toBe("partial")
    expect(both.completeness("npm")).toBe("complete")
    // Known to both under one id, to the registry alone, and to the snapshot alone.
    expect(ids("minimist", "1.2.5").filter((id) => id === "GHSA-xvch-5gv4-984h")).toEqual(["GHSA-xvch-5gv4-984h"])
    expect(ids("chalk", "5.6.1")).toEqual(["MAL-2025-46969"])
    both.close()
  })

  test.each<[string, string, RequestListener]>([
    ["405", "unsupported", (_, response) => response.writeHead(405).end()],
    ["404", "unsupported", (_, response) => response.writeHead(404).end("{}")],
    ["500", "unreachable", (_, response) => response.writeHead(500).end()],
    ["a list", "invalid", (_, response) => response.end("[]")],
    ["HTML", "invalid", (_, response) => response.end("<html>")],
    ["a redirect", "unreachable", (_, response) => response.writeHead(302, { location: "/x" }).end()],
    ["a reset", "unreachable", (request) => request.destroy()],
  ])("%s is %s", async (_, reason, listener) => {
    const base = await serve(listener)
    expect(await fetchBulk(context().ctx, base, new Map([["a", ["1.0.0"]]]))).toEqual({ ok: false, reason })
  })

  test.each([
    ["an unreadable range", [{ ...advisory, vulnerable_versions: "???" }]],
    ["no range", [{ id: 7 }]],
    ["no id", [{ vulnerable_versions: "<1.0.0" }]],
    ["no object", [7]],
    ["no list", "yes"],
  ])("%s leaves the package undecided", async (_, answer) => {
    const base = await serve((_request, response) => response.end(JSON.stringify({ a: answer })))
    const result = await fetchBulk(context().ctx, base, new Map([["a", ["1.0.0"]]]))
    expect(result.ok && result.affecting("a", "1.0.0").invalid).toBe(true)
  })
})
