import { createHash } from "node:crypto"
import { describe, expect, it } from "vitest"
import { answerApproval } from "../../../src/approvals/answer.ts"
import { addApprover } from "../../../src/approvals/enrol.ts"
import { listApprovals } from "../../../src/approvals/list.ts"
import { askGate } from "../../../src/gateway/control-client.ts"
import type { Store } from "../../../src/store/types.ts"
import { newPerson } from "../../approvals/support.ts"
import { DAY, NOW } from "../../context.ts"
import { bytesOf, openTestGate, startNpmUpstream } from "../gate.ts"

const POLICY = `version: 1
packages:
  deny: { malware: true, severity: high, age: 3d }
  ask: { licenses: [GPL-3.0-only] }
  unknown: allow
`
const CRITICAL = {
  id: "GHSA-aaaa-bbbb-cccc",
  modified: "2026-01-01T00:00:00Z",
  database_specific: { severity: "CRITICAL" },
  affected: [
    {
      package: { ecosystem: "npm", name: "axios" },
      ranges: [{ type: "SEMVER", events: [{ introduced: "0" }, { fixed: "1.6.8" }] }],
    },
  ],
}
const NPM = { "user-agent": "npm/11.19.1 node/v24.21.0 linux x64 workspaces/false", accept: "application/json" }

async function open() {
  const upstream = await startNpmUpstream()
  upstream.publish("axios", { "1.6.0": {}, "1.6.8": {}, "1.7.0": { age: 1 } })
  upstream.publish("gpl", { "1.0.0": { license: "GPL-3.0-only" } })
  const gate = await openTestGate({ policy: POLICY, env: { npm_config_registry: upstream.base }, osv: [CRITICAL] })
  return { upstream, gate }
}

describe("the npm registry of the gate", () => {
  it("serves what policy approves, byte for byte, and records it before", async () => {
    const { gate } = await open()
    const response = await gate.get("/npm/axios/-/axios-1.6.8.tgz", NPM)
    expect(response.status).toBe(200)
    expect(Buffer.from(await response.arrayBuffer())).toEqual(bytesOf("axios", "1.6.8"))
    const [record] = await gate.records()
    expect(record).toMatchObject({
      type: "package.decided",
      outcome: "released",
      agent: "local",
      subject: "pkg:npm/axios@1.6.8",
    })
    const sri = `sha512-${createHash("sha512").update(bytesOf("axios", "1.6.8")).digest("base64")}`
    expect(record?.item).toEqual({ kind: "package", name: "pkg:npm/axios", version: "1.6.8", digest: sri })
    expect(gate.troubles).toEqual([])
  })

  it("refuses what it denies with the reason and the way out, in every channel", async () => {
    const { gate, upstream } = await open()
    const response = await gate.get("/npm/axios/-/axios-1.6.0.tgz", NPM)
    expect(response.status).toBe(403)
    expect(response.headers.get("content-type")).toBe("application/problem+json")
    expect(response.headers.get("cache-control")).toBe("no-store")
    expect(response.statusText).toContain("vulnerability.severity")
    const body = (await response.json()) as Record<string, unknown>
    expect(Object.keys(body)[0]).toBe("error")
    expect(body.error).toContain("axios@1.6.0 refused by policy: vulnerability.severity (GHSA-aaaa-bbbb-cccc)")
    expect(body.error).toContain("npm install axios@1.6.8")
    expect(body).toMatchObject({
      verdict: { correction: { action: "upgrade", target: "pkg:npm/axios@1.6.8" } },
      retryable: false,
    })
    expect(response.headers.get("npm-notice")).toBe(body.error)
    expect(upstream.requests).not.toContain("/axios/-/axios-1.6.0.tgz")
    const records = await gate.records()
    expect(records.at(-1)).toMatchObject({ outcome: "refused", verdict: { code: "vulnerability.severity" } })
    expect(body.requestId).toMatch(/^ng-\d+$/)
  })

  it("lists what it serves, with its own addresses, and re-points tags", async () => {
    const { gate } = await open()
    const response = await gate.get("/npm/axios", NPM)
    expect(response.status).toBe(200)
    const body = (await response.json()) as {
      versions: Record<string, { dist: { tarball: string }; deprecated?: string }>
      "dist-tags": Record<string, string>
    }
    expect(body["dist-tags"]["latest"]).toBe("1.6.8")
    expect(body.versions["1.6.8"]?.dist.tarball).toBe(`${gate.origin}/npm/axios/-/axios-1.6.8.tgz`)
    for (const version of ["1.6.0", "1.7.0"]) {
      const listed = body.versions[version]
      expect(listed?.deprecated).toMatch(/vulnerability\.severity|release\.too-new/)
      expect(listed?.dist.tarball).toMatch(/\/npm\/-\/blocked\/[a-z.-]+\/(use-1\.6\.8|held-back)\/axios\//)
      expect((await fetch(listed!.dist.tarball)).status).toBe(403)
    }
    const etag = response.headers.get("etag")!
    expect((await gate.get("/npm/axios", { ...NPM, "if-none-match": etag })).status).toBe(304)
  })

  it("asks a person where the policy wants one, once for the same question", async () => {
    const { gate } = await open()
    const first = (await (await gate.get("/npm/gpl/-/gpl-1.0.0.tgz", NPM)).json()) as {
      approval: { id: string }
      retryable: boolean
      error: string
    }
    expect(first.retryable).toBe(true)
    expect(first.error).toContain(`Repeat the command once ${first.approval.id} is approved`)
    const second = (await (await gate.get("/npm/gpl/-/gpl-1.0.0.tgz", NPM)).json()) as { approval: { id: string } }
    expect(second.approval.id).toBe(first.approval.id)
  })

  it("has nothing for tricks with a path, and answers for no other host", async () => {
    const { gate } = await open()
    for (const path of [
      "/npm/..%2faxios",
      "/npm//axios",
      "/npm/axios/-/..%2f..%2fx.tgz",
      "/npm/%61xios/../x",
      "/etc/passwd",
      "/npm/%2e%2e/axios",
    ]) {
      expect((await gate.get(path)).status, path).toBeGreaterThanOrEqual(400)
    }
    const { request } = await import("node:http")
    const status = await new Promise((resolve) =>
      request(`${gate.origin}/npm/axios`, { headers: { host: "evil.example" } }, (response) =>
        resolve(response.statusCode),
      ).end(),
    )
    expect(status).toBe(421)
  })
})

async function enrolAna(store: Store) {
  const ana = newPerson("ana")
  await addApprover(store, ana, ana, NOW, "test")
  return ana
}

async function pendingId(store: Store): Promise<string> {
  for (;;) {
    const [first] = await listApprovals(store.db, NOW)
    if (first !== undefined) return first.id
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

describe("a person's answer", () => {
  const asks = POLICY.replace("unknown: allow", "unknown: allow\napprovers:\n  default: { people: [ana] }")

  it("lets exactly that package through, and its use rests on it in the record", async () => {
    const upstream = await startNpmUpstream()
    upstream.publish("gpl", { "1.0.0": { license: "GPL-3.0-only" }, "1.1.0": { license: "GPL-3.0-only" } })
    const gate = await openTestGate({ policy: asks, env: { npm_config_registry: upstream.base }, wait: 10_000 })
    const ana = await enrolAna(gate.store)
    const waiting = gate.get("/npm/gpl/-/gpl-1.0.0.tgz", NPM)
    const id = await pendingId(gate.store)
    await answerApproval(
      gate.store,
      id,
      { answer: "approve", terms: { scope: "run", expires: NOW + DAY } },
      ana,
      NOW,
      "test",
    )
    const response = await waiting
    expect(response.status).toBe(200)
    expect(Buffer.from(await response.arrayBuffer())).toEqual(bytesOf("gpl", "1.0.0"))
    const record = (await gate.records()).at(-1)
    expect(record).toMatchObject({
      outcome: "released",
      approval: id,
      verdict: { excepted: [{ rule: `approval ${id}` }] },
    })
    expect(record?.by).toHaveLength(1)
    const listed = (await (await gate.get("/npm/gpl", NPM)).json()) as { "dist-tags": object }
    expect(listed["dist-tags"]).toEqual({ latest: "1.0.0" })
  })
})

describe("an exception", () => {
  it("is asked for the bytes that the registry promises, and for no others under the same version", async () => {
    const { gate } = await open()
    const refused = (await (await gate.get("/npm/axios/-/axios-1.6.0.tgz", NPM)).json()) as { verdict: object }
    const asked = { who: { agent: "local" }, verdict: refused.verdict, reason: "the fix breaks us" }
    await askGate(gate.ctx, "POST", "/v1/exceptions", asked)
    const [waiting] = await listApprovals(gate.store.db, NOW)
    const sri = `sha512-${createHash("sha512").update(bytesOf("axios", "1.6.0")).digest("base64")}`
    expect(waiting?.binding).toMatchObject({
      kind: "exception",
      arguments: { purl: "pkg:npm/axios@1.6.0", codes: ["vulnerability.severity"], integrity: sri },
    })
  })
})

describe("an approval for one use", () => {
  it("lets one of many requests through that come at once", async () => {
    const upstream = await startNpmUpstream()
    upstream.publish("gpl", { "1.0.0": { license: "GPL-3.0-only" } })
    const gate = await openTestGate({ policy: POLICY, env: { npm_config_registry: upstream.base } })
    const ana = await enrolAna(gate.store)
    await gate.get("/npm/gpl/-/gpl-1.0.0.tgz", NPM)
    const id = await pendingId(gate.store)
    const terms = { scope: "run", expires: NOW + DAY, uses: 1 } as const
    await answerApproval(gate.store, id, { answer: "approve", terms }, ana, NOW, "test")
    await new Promise((resolve) => setTimeout(resolve, 600))
    const many = await Promise.all(Array.from({ length: 12 }, () => gate.get("/npm/gpl/-/gpl-1.0.0.tgz", NPM)))
    const statuses = many.map(({ status }) => status).sort()
    expect(statuses).toEqual([200, ...Array(11).fill(403)])
    expect(gate.troubles).toEqual([])
  })
})

describe("bytes that are not those that were promised", () => {
  const BAD = Buffer.from("something else")
  const GOOD = `sha512-${createHash("sha512").update("what was promised").digest("base64")}`

  it("are a 403 where they fit into one chunk, and a broken connection where a part has left", async () => {
    const upstream = await startNpmUpstream()
    upstream.publish("small", { "1.0.0": { bytes: BAD, integrity: GOOD } })
    upstream.publish("large", { "1.0.0": { bytes: Buffer.alloc(3_000_000, "x"), integrity: GOOD } })
    const gate = await openTestGate({ policy: POLICY, env: { npm_config_registry: upstream.base } })
    const small = await gate.get("/npm/small/-/small-1.0.0.tgz", NPM)
    expect([small.status, await small.text()]).toEqual([403, expect.stringContaining("integrity.mismatch")])
    const large = gate.get("/npm/large/-/large-1.0.0.tgz", NPM).then((response) => response.arrayBuffer())
    await expect(large).rejects.toThrow()
    const failures = (await gate.records()).filter(({ type }) => type === "package.failed")
    expect(failures.map(({ detail }) => detail?.["failure"])).toEqual(["integrity.mismatch", "integrity.mismatch"])
  })

  it("is in the record as well where a service is asked", async () => {
    const gate = await openTestGate({ policy: POLICY })
    expect((await gate.get("/npm/-/ping", NPM)).status).toBe(200)
    expect((await gate.get("/cargo/index/config.json")).status).toBe(200)
    expect((await gate.records()).map(({ subject }) => subject)).toEqual(["npm ping", "cargo config"])
  })

  it("leave a record of what was asked for and never published", async () => {
    const upstream = await startNpmUpstream()
    const gate = await openTestGate({ policy: POLICY, env: { npm_config_registry: upstream.base } })
    expect((await gate.get("/npm/made-up-by-a-model", NPM)).status).toBe(404)
    const [record] = await gate.records()
    expect(record).toMatchObject({ type: "package.failed", outcome: "failed", subject: "pkg:npm/made-up-by-a-model" })
  })
})
