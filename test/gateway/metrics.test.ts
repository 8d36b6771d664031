import { describe, expect, it } from "vitest"
import { createCounter, createHistogram, renderMetrics } from "../../src/gateway/exposition.ts"
import { createMetrics } from "../../src/gateway/metrics.ts"

/** The lines of the text format, as its grammar has them. */
const LINE =
  /^(?:# HELP [a-z_]+ [^\n]+|# TYPE [a-z_]+ (?:counter|gauge|histogram)|[a-z_]+(?:\{[a-z]+="(?:[^"\\\n]|\\[\\n"])*"(?:,[a-z]+="(?:[^"\\\n]|\\[\\n"])*")*\})? [0-9.e+-]+)$/

const linesOf = (text: string) => text.trimEnd().split("\n")

describe("the metrics of a gate", () => {
  it("are there, and well-formed, before anything happened", () => {
    const text = createMetrics({ runs: () => 2, version: "0.1.0" }).text()
    for (const line of linesOf(text)) expect(line).toMatch(LINE)
    expect(text).toContain("\nnanoguard_requests_in_flight 0\n")
    expect(text).toContain("\nnanoguard_runs 2\n")
    expect(text).toContain('\nnanoguard_info{version="0.1.0"} 1\n')
    expect(text.endsWith("\n")).toBe(true)
  })

  it("count requests by what came of them", () => {
    const metrics = createMetrics()
    metrics.began()
    metrics.began()
    metrics.done({ ecosystem: "npm", kind: "listing", status: 200, bytes: 100, seconds: 0.002 })
    for (const status of [200, 304, 403, 404, 401, 503, 0])
      metrics.done({ ecosystem: "npm", kind: "artifact", status, bytes: 10, seconds: 0.2 })
    metrics.done({ status: 400, bytes: 0, seconds: 40 })
    const lines = linesOf(metrics.text())
    for (const line of lines) expect(line).toMatch(LINE)
    const counted = (outcome: string) =>
      lines.find((line) =>
        line.startsWith(`nanoguard_requests_total{ecosystem="npm",kind="artifact",outcome="${outcome}"}`),
      )
    expect(counted("served")).toMatch(/ 2$/)
    for (const outcome of ["refused", "not-found", "invalid", "failed", "broken-off"])
      expect(counted(outcome)).toMatch(/ 1$/)
    expect(lines).toContain('nanoguard_requests_total{ecosystem="none",kind="other",outcome="invalid"} 1')
    expect(lines).toContain('nanoguard_response_bytes_total{ecosystem="npm"} 170')
    expect(lines).toContain("nanoguard_requests_in_flight 0")
    expect(lines).toContain('nanoguard_request_seconds_bucket{ecosystem="npm",kind="listing",le="0.0025"} 1')
    expect(lines).toContain('nanoguard_request_seconds_bucket{ecosystem="npm",kind="listing",le="0.001"} 0')
    expect(lines).toContain('nanoguard_request_seconds_bucket{ecosystem="none",kind="other",le="30"} 0')
    expect(lines).toContain('nanoguard_request_seconds_bucket{ecosystem="none",kind="other",le="+Inf"} 1')
    expect(lines).toContain('nanoguard_request_seconds_count{ecosystem="npm",kind="artifact"} 7')
  })

  it("count decisions by codes that there are, and by no others", () => {
    const metrics = createMetrics()
    metrics.decided({ effect: "deny", code: "malware.known", mode: "enforce" })
    metrics.decided({ effect: "deny", code: "malware.known", mode: "enforce" })
    for (const code of ["made.up", 'x"} 1\nevil 2', ""]) metrics.decided({ effect: "ask", code, mode: "observe" })
    metrics.recordFailed()
    const lines = linesOf(metrics.text())
    expect(lines).toContain('nanoguard_decisions_total{effect="deny",code="malware.known",mode="enforce"} 2')
    expect(lines).toContain('nanoguard_decisions_total{effect="ask",code="other",mode="observe"} 3')
    expect(lines).toContain("nanoguard_record_failures_total 1")
    for (const line of lines) expect(line).toMatch(LINE)
  })

  it("take over what the upstream side counts", () => {
    const metadata = { hits: 1, misses: 2, revalidated: 3, stale: 4, failures: 5, bytes: 6 }
    const artifacts = { hits: 7, misses: 8, joined: 9, failures: 10, dropped: 11, bytes: 12 }
    const lines = linesOf(createMetrics({ upstream: () => ({ metadata, artifacts, cacheBytes: 13 }) }).text())
    expect(lines).toContain('nanoguard_upstream_answers_total{of="metadata",result="stale"} 4')
    expect(lines).toContain('nanoguard_upstream_answers_total{of="artifacts",result="joined"} 9')
    expect(lines).toContain('nanoguard_upstream_bytes_total{of="artifacts"} 12')
    expect(lines).toContain("nanoguard_cache_bytes 13")
    expect(lines.filter((line) => line.includes("_answers_total{")).length).toBe(10)
    for (const line of lines) expect(line).toMatch(LINE)
  })
})

describe("the text format", () => {
  it("escapes what labels may not hold", () => {
    const counter = createCounter("x", "An x.")
    counter.add({ a: 'q"\\\n' })
    expect(renderMetrics([counter])).toBe('# HELP x An x.\n# TYPE x counter\nx{a="q\\"\\\\\\n"} 1\n')
  })

  it("adds up what is below a bound", () => {
    const histogram = createHistogram("h", "An h.", [1, 2])
    for (const value of [0.5, 1, 1.5, 9]) histogram.observe({}, value)
    expect(linesOf(renderMetrics([histogram])).slice(2)).toEqual([
      'h_bucket{le="1"} 2',
      'h_bucket{le="2"} 3',
      'h_bucket{le="+Inf"} 4',
      "h_sum 12",
      "h_count 4",
    ])
  })
})
