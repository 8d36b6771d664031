// Answers as the providers' documentation shows them.
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { createUsageMeter } from "../../../src/gateway/services/index.ts"

const SSE = "text/event-stream; charset=utf-8"
const JSON_TYPE = "application/json"

function measure(service: string, type: string, chunks: Iterable<Uint8Array>) {
  const meter = createUsageMeter(service, type)
  for (const chunk of chunks) meter?.push(chunk)
  return meter?.end()
}
const whole = (service: string, type: string, text: string) => measure(service, type, [Buffer.from(text)])

const ANTHROPIC = [
  "event: message_start",
  'data: {"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","content":[],"usage":{"input_tokens":2679,"cache_creation_input_tokens":100,"cache_read_input_tokens":50,"output_tokens":3}}}',
  "",
  "event: ping",
  'data: {"type": "ping"}',
  "",
  "event: content_block_delta",
  'data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"\\"usage\\":{\\"output_tokens\\":999999}"}}',
  "",
  "event: message_delta",
  'data: {"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"input_tokens":2679,"output_tokens":510}}',
  "",
  "event: message_stop",
  'data: {"type":"message_stop"}',
  "",
  "",
].join("\n")

const OPENAI = [
  'data: {"id":"c","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"é🦊"}}],"usage":null}',
  "",
  'data: {"id":"c","object":"chat.completion.chunk","choices":[],"usage":{"prompt_tokens":19,"completion_tokens":10,"total_tokens":29}}',
  "",
  "data: [DONE]",
  "",
  "",
].join("\r\n")

describe("events", () => {
  it("are read of each provider", () => {
    expect(whole("anthropic", SSE, ANTHROPIC)).toEqual({ tokens: 2679 + 100 + 50 + 510 })
    expect(whole("openai", SSE, OPENAI)).toEqual({ tokens: 29 })
    const completed = {
      type: "response.completed",
      response: {
        usage: { input_tokens: 37, input_tokens_details: { cached_tokens: 20 }, output_tokens: 11, total_tokens: 48 },
      },
    }
    expect(whole("openai", SSE, `event: response.completed\ndata: ${JSON.stringify(completed)}\n\n`)).toEqual({
      tokens: 48,
    })
    const chunk = (total: number) =>
      `data: {"candidates":[{}],"usageMetadata":{"promptTokenCount":10,"candidatesTokenCount":${total - 10},"totalTokenCount":${total}}}\n\n`
    expect(whole("google", SSE, chunk(12) + chunk(31))).toEqual({ tokens: 31 })
    const routed = `: OPENROUTER PROCESSING\n\ndata: {"choices":[],"usage":{"prompt_tokens":194,"completion_tokens":2,"total_tokens":196,"cost":0.95}}\n\n`
    expect(whole("openai", SSE, routed)).toEqual({ tokens: 196, usd: 0.95 })
  })

  it("are the same in whatever pieces they come", () => {
    for (const [service, text] of [
      ["anthropic", ANTHROPIC],
      ["openai", OPENAI],
      ["anthropic", ANTHROPIC.replaceAll("\n", "\r")],
    ] as const) {
      const bytes = Buffer.from(text)
      const expected = measure(service, SSE, [bytes])
      expect(expected?.tokens).toBeGreaterThan(0)
      const single = Array.from(bytes, (byte) => Uint8Array.of(byte))
      expect(measure(service, SSE, single)).toEqual(expected)
      fc.assert(
        fc.property(fc.array(fc.nat(bytes.length), { maxLength: 8 }), (cuts) => {
          const at = [0, ...cuts.sort((a, b) => a - b), bytes.length]
          const pieces = at.slice(1).map((end, index) => bytes.subarray(at[index], end))
          expect(measure(service, SSE, pieces)).toEqual(expected)
        }),
        { numRuns: 25 },
      )
    }
  })

  it("that are cut off, too long or lie report nothing more", () => {
    expect(whole("anthropic", SSE, ANTHROPIC.slice(0, 400))).toEqual({ tokens: 2679 + 100 + 50 + 3 })
    const long = `data: {"usage":{"total_tokens":1},"x":"${"y".repeat(1024 * 1024)}"}\n\n`
    expect(whole("openai", SSE, long)).toEqual({})
    expect(whole("openai", SSE, `${long}data: {"usage":{"total_tokens":7}}\n\n`)).toEqual({ tokens: 7 })
    for (const value of ["-1", '"5"', "1e400", "null", "{}", "9007199254740993"])
      expect(whole("openai", SSE, `data: {"usage":{"total_tokens":${value}}}\n\n`)).toEqual({})
  })
})

describe("documents", () => {
  it("are read of each provider", () => {
    const usage = { input_tokens: 10, output_tokens: 5, cache_creation_input_tokens: 0, cache_read_input_tokens: 7 }
    expect(whole("anthropic", JSON_TYPE, JSON.stringify({ content: [], usage }))).toEqual({ tokens: 22 })
    const openai = { usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 } }
    expect(whole("openai", JSON_TYPE, JSON.stringify(openai))).toEqual({ tokens: 3 })
    const gemini = [
      { usageMetadata: { totalTokenCount: 5 } },
      { usageMetadata: { totalTokenCount: 9, thoughtsTokenCount: 2 } },
    ]
    expect(whole("google", JSON_TYPE, JSON.stringify(gemini))).toEqual({ tokens: 9 })
    expect(whole("openai", JSON_TYPE, "{}")).toEqual({})
    expect(whole("openai", JSON_TYPE, "")).toEqual({})
  })

  it("are kept to 1 MiB", () => {
    const text = JSON.stringify({ usage: { total_tokens: 3 }, x: "y".repeat(2 ** 20) })
    expect(whole("openai", JSON_TYPE, text)).toEqual({})
  })
})

it("is there for models only, and for what can be read", () => {
  expect(createUsageMeter("github", JSON_TYPE)).toBeUndefined()
  expect(createUsageMeter("anthropic", "text/html")).toBeUndefined()
  expect(createUsageMeter("anthropic", "")).toBeUndefined()
})

it("never throws", () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 64 })),
      fc.array(fc.constantFrom("data:", " ", "\n", "\r", '{"usage":', '{"total_tokens":5}', "}", "[", "\ufeff")),
      fc.constantFrom(SSE, JSON_TYPE),
      (bytes, texts, type) => {
        const usage = measure("openai", type, [...bytes, ...texts.map((text) => Buffer.from(text))])
        expect(Object.values(usage ?? {}).every((value) => value >= 0)).toBe(true)
      },
    ),
  )
})
