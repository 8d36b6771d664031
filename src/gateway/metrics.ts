// What the gate counts of itself. No label holds a name, an agent or anything else that a client or an upstream could make up.
import { CODES } from "../policy/codes.ts"
import type { Ecosystem, Verdict } from "../policy/types.ts"
import { createCounter, createGauge, createHistogram, METRICS_TYPE, renderMetrics, type Series } from "./exposition.ts"
import type { FrontRequest } from "./types.ts"
import type { UpstreamStats } from "./upstream/types.ts"

/** A request that is over. `status` 0: it broke off. */
export interface Done {
  ecosystem?: Ecosystem
  kind?: FrontRequest["kind"]
  status: number
  /** Of the answer's body. */
  bytes: number
  seconds: number
}

export interface Metrics {
  readonly contentType: string
  began: () => void
  done: (done: Done) => void
  decided: (verdict: Pick<Verdict, "effect" | "code" | "mode">) => void
  /** A record could not be written, and nothing was released. */
  recordFailed: () => void
  text: () => string
}

/** What is asked for when metrics are read. */
export interface MetricsParts {
  upstream?: () => UpstreamStats
  runs?: () => number
  version?: string
}

/** Seconds. */
const BOUNDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]
const KNOWN_CODES: ReadonlySet<string> = new Set(CODES.map(({ code }) => code))

/** Counters that start at nothing. */
export function createMetrics(parts: MetricsParts = {}): Metrics {
  let inFlight = 0
  let failures = 0
  const requests = createCounter("nanoguard_requests_total", "Requests that are over.")
  const bytes = createCounter("nanoguard_response_bytes_total", "Bytes of bodies that were sent.")
  const seconds = createHistogram("nanoguard_request_seconds", "Time from a request to the end of its answer.", BOUNDS)
  const decisions = createCounter("nanoguard_decisions_total", "Decisions about single packages, by what they came to.")
  const own: Series[] = [
    ...[requests, bytes, seconds, decisions],
    createGauge("nanoguard_requests_in_flight", "Requests that are not over.", () => inFlight),
    createGauge("nanoguard_record_failures_total", "Records that could not be written.", () => failures, "counter"),
    createGauge("nanoguard_resident_bytes", "Memory that the process holds.", () => process.memoryUsage.rss()),
  ]
  if (parts.runs !== undefined) own.push(createGauge("nanoguard_runs", "Runs that are open.", parts.runs))
  if (parts.version !== undefined) own.push(infoOf(parts.version))
  return {
    contentType: METRICS_TYPE,
    began: () => {
      inFlight++
    },
    done: ({ ecosystem = "none", kind = "other", status, bytes: sent, seconds: took }) => {
      inFlight = Math.max(0, inFlight - 1)
      requests.add({ ecosystem, kind, outcome: outcomeOf(status) })
      bytes.add({ ecosystem }, sent)
      seconds.observe({ ecosystem, kind }, took)
    },
    decided: ({ effect, code, mode }) => decisions.add({ effect, code: KNOWN_CODES.has(code) ? code : "other", mode }),
    recordFailed: () => {
      failures++
    },
    text: () => renderMetrics([...own, ...(parts.upstream === undefined ? [] : upstreamSeries(parts.upstream()))]),
  }
}

function outcomeOf(status: number): string {
  if (status === 0) return "broken-off"
  if (status < 400) return "served"
  if (status === 403) return "refused"
  if (status === 404) return "not-found"
  return status < 500 ? "invalid" : "failed"
}

function infoOf(version: string): Series {
  const samples = () => [{ labels: { version }, value: 1 }]
  return { name: "nanoguard_info", help: "Which nanoguard this is.", type: "gauge", samples }
}

/** The upstream side keeps its own counts. */
function upstreamSeries({ metadata, artifacts, cacheBytes }: UpstreamStats): Series[] {
  const parts = { metadata, artifacts } as const
  function* answers() {
    for (const [of, { bytes: _, ...counts }] of Object.entries(parts)) {
      for (const [result, value] of Object.entries(counts)) yield { labels: { of, result }, value }
    }
  }
  const received = () => Object.entries(parts).map(([of, { bytes }]) => ({ labels: { of }, value: bytes }))
  return [
    {
      name: "nanoguard_upstream_answers_total",
      help: "What was asked of upstreams, by where the answer came from.",
      type: "counter",
      samples: answers,
    },
    { name: "nanoguard_upstream_bytes_total", help: "Bytes that upstreams sent.", type: "counter", samples: received },
    createGauge("nanoguard_cache_bytes", "Bytes in the cache on disk.", () => cacheBytes),
  ]
}
