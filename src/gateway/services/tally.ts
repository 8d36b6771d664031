// The numbers in what providers report: tokens that went in and came out, those from caches included, and what it cost.
import { parseForeignJson } from "../../foreign-json.ts"
import type { Usage } from "./types.ts"

type Report = Readonly<Record<string, unknown>>

const isReport = (value: unknown): value is Report =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** Anything but a number that counts something is none: a provider, or who poses as one, may send what it likes. */
const count = (value: unknown): number | undefined =>
  typeof value === "number" && Number.isFinite(value) && value >= 0 && value <= Number.MAX_SAFE_INTEGER
    ? value
    : undefined

/** Anthropic: cache reads and writes are not in `input_tokens` (docs: "Prompt caching", "Tracking cache performance"). */
const ANTHROPIC = ["input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens", "output_tokens"]

/** Amazon Bedrock's Converse (`TokenUsage`). */
const BEDROCK = ["totalTokens", "inputTokens", "outputTokens", "cacheReadInputTokens", "cacheWriteInputTokens"]

/** Reports of one answer. They are running totals (message_start, message_delta; Gemini's chunks): the largest of a name counts. */
export function tallyOf(): { add: (json: string) => void; end: () => Usage } {
  const last = new Map<string, number>()
  const take = (report: Report, names: readonly string[]) => {
    for (const name of names) {
      const value = count(report[name])
      if (value !== undefined) last.set(name, Math.max(value, last.get(name) ?? 0))
    }
  }

  const readUsage = (usage: unknown) => {
    if (!isReport(usage)) return
    take(usage, ["total_tokens", "cost"])
    take(usage, ANTHROPIC)
    take(usage, ["prompt_tokens", "completion_tokens"])
    take(usage, BEDROCK)
  }

  return {
    add: (json) => {
      if (!json.includes("sage")) return
      let parsed: unknown
      try {
        parsed = parseForeignJson(json)
      } catch {
        return
      }
      // Gemini streams an array of answers where it is not asked for events.
      for (const answer of Array.isArray(parsed) ? parsed : [parsed]) {
        if (!isReport(answer)) continue
        readUsage(answer["usage"])
        // Anthropic's message_start, and OpenAI's response.completed, have it one level down.
        for (const name of ["message", "response"]) {
          const inner = answer[name]
          if (!isReport(inner)) continue
          readUsage(inner["usage"])
          if (isReport(inner["usageMetadata"])) take(inner["usageMetadata"], ["totalTokenCount"])
        }
        if (isReport(answer["usageMetadata"])) take(answer["usageMetadata"], GEMINI)
      }
    },
    end: () => {
      const tokens = tokensOf(last)
      const usd = last.get("cost")
      return { ...(tokens !== undefined && { tokens }), ...(usd !== undefined && { usd }) }
    },
  }
}

/** Gemini (`UsageMetadata`): the total has thoughts and tools in it; its parts stand in where there is none. */
const GEMINI = [
  "totalTokenCount",
  "promptTokenCount",
  "candidatesTokenCount",
  "toolUsePromptTokenCount",
  "thoughtsTokenCount",
]

/** The larger one of a stated total and the sum of its parts: an answer that states less than it used does not use less. */
function tokensOf(last: ReadonlyMap<string, number>): number | undefined {
  const sums = [
    ["total_tokens"],
    ["totalTokenCount"],
    ANTHROPIC,
    ["prompt_tokens", "completion_tokens"],
    GEMINI.slice(1),
    ["totalTokens"],
    BEDROCK.slice(1),
  ].flatMap((names) => {
    const found = names.map((name) => last.get(name)).filter((value) => value !== undefined)
    return found.length === 0 ? [] : [found.reduce((sum, value) => sum + value, 0)]
  })
  return sums.length === 0 ? undefined : Math.max(...sums)
}
