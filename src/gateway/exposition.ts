// Counters, gauges and histograms in Prometheus' text format 0.0.4 (prometheus.io/docs: exposition formats). A library would bring
// three packages and its registry for what is a page here.

export const METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"

export type Labels = Readonly<Record<string, string>>

/** Values of one metric, by their labels. */
export interface Series {
  name: string
  help: string
  type: "counter" | "gauge" | "histogram"
  /** Lines to be: what is appended to the name (histograms), labels, value. */
  samples: () => Iterable<{ suffix?: string; labels: Labels; value: number }>
}

export interface Counter extends Series {
  add: (labels: Labels, amount?: number) => void
}

export interface Histogram extends Series {
  observe: (labels: Labels, value: number) => void
}

/** A metric that only goes up. Labels must come from a bounded set: each combination stays for good. */
export function createCounter(name: string, help: string): Counter {
  const values = new Map<string, { labels: Labels; value: number }>()
  return {
    ...{ name, help, type: "counter", samples: () => values.values() },
    add: (labels, amount = 1) => {
      const key = keyOf(labels)
      const known = values.get(key)
      if (known === undefined) values.set(key, { labels, value: amount })
      else known.value += amount
    },
  }
}

/** A metric that is asked for when it is read. */
export function createGauge(
  name: string,
  help: string,
  read: () => number,
  type: "gauge" | "counter" = "gauge",
): Series {
  return { name, help, type, samples: () => [{ labels: {}, value: read() }] }
}

/** How values spread over `bounds`, which ascend. */
export function createHistogram(name: string, help: string, bounds: readonly number[]): Histogram {
  const values = new Map<string, { labels: Labels; counts: number[]; sum: number; count: number }>()
  function* samples() {
    for (const { labels, counts, sum, count } of values.values()) {
      let below = 0
      for (const [index, bound] of bounds.entries()) {
        below += counts[index]!
        yield { suffix: "_bucket", labels: { ...labels, le: String(bound) }, value: below }
      }
      yield { suffix: "_bucket", labels: { ...labels, le: "+Inf" }, value: count }
      yield { suffix: "_sum", labels, value: sum }
      yield { suffix: "_count", labels, value: count }
    }
  }
  return {
    ...{ name, help, type: "histogram", samples },
    observe: (labels, value) => {
      const key = keyOf(labels)
      const entry = values.get(key) ?? { labels, counts: bounds.map(() => 0), sum: 0, count: 0 }
      values.set(key, entry)
      const index = bounds.findIndex((bound) => value <= bound)
      if (index !== -1) entry.counts[index]!++
      entry.sum += value
      entry.count++
    },
  }
}

/** All of them as one page. */
export function renderMetrics(metrics: readonly Series[]): string {
  let text = ""
  for (const { name, help, type, samples } of metrics) {
    text += `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`
    for (const { suffix = "", labels, value } of samples()) text += `${name}${suffix}${labelsOf(labels)} ${value}\n`
  }
  return text
}

function keyOf(labels: Labels): string {
  return Object.values(labels).join("\0")
}

function labelsOf(labels: Labels): string {
  const escaped = { "\\": "\\\\", '"': '\\"', "\n": "\\n" } as Record<string, string>
  const pairs = Object.entries(labels).map(
    ([name, value]) => `${name}="${value.replace(/[\\"\n]/g, (sign) => escaped[sign]!)}"`,
  )
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`
}
