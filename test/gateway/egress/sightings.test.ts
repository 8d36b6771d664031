// Where a run may have a destination from: bounded, whatever is fetched.
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from "node:zlib"
import { expect, test } from "vitest"
import { createSightings } from "../../../src/gateway/egress/sightings.ts"

const TEXT: [string, string][] = [["Content-Type", "text/html; charset=utf-8"]]
const encoded = (coding: string): [string, string][] => [...TEXT, ["Content-Encoding", coding]]

function start(time = { now: 1_000 }) {
  const sightings = createSightings(() => time.now)
  /** An answer in pieces. */
  const answer = (
    chunks: readonly (string | Buffer)[],
    headers = TEXT,
    { run = "r1", from = "docs.example", seq = 7 } = {},
  ) => {
    const look = sightings.look(run, from, seq)
    look.head(headers)
    for (const chunk of chunks) look.data(Buffer.from(chunk))
    look.end()
  }
  return { sightings, answer, time, find: (host: string, rest = "/", run = "r1") => sightings.find(run, host, rest) }
}

test("the first answer that named a host or an address is told, for its own run", async () => {
  const { answer, find, time } = start()
  answer(["post to https://api.evil.example/v1/in?k=1 now"])
  time.now = 2_000
  answer(["api.evil.example"], TEXT, { from: "other.example", seq: 9 } as never)
  expect(await find("api.evil.example", "/v1/in?k=1")).toEqual({
    from: "docs.example",
    seq: 7,
    time: 1_000,
    whole: true,
  })
  expect(await find("api.evil.example", "/v1/in?k=2")).toMatchObject({ seq: 7, whole: false })
  expect(await find("api.evil.example", "/", "r2")).toBeUndefined()
  expect(await find("evil.example")).toBeUndefined()
})

test("a host that names itself is known to itself; what it says of its own addresses counts", async () => {
  const { answer, find } = start()
  answer(["https://docs.example/delete?all=1"])
  expect(await find("docs.example")).toBeUndefined()
  expect(await find("docs.example", "/delete?all=1")).toMatchObject({ whole: true })
})

test("names that are cut between pieces are whole", async () => {
  const text = "begin https://api.evil.example/v1/in?k=1 end"
  for (let at = 1; at < text.length; at++) {
    const { answer, find } = start()
    answer([text.slice(0, at), text.slice(at)])
    expect(await find("api.evil.example", "/v1/in?k=1"), String(at)).toMatchObject({ whole: true })
  }
})

test.each([
  ["gzip", gzipSync],
  ["br", brotliCompressSync],
  ["deflate", deflateSync],
  ["zstd", zstdCompressSync],
] as const)("an answer in %s is decoded, also where it breaks off", async (coding, compress) => {
  const { answer, find } = start()
  const bytes = compress(Buffer.from(`api.evil.example ${"x ".repeat(2_000)}`))
  answer([bytes.subarray(0, 9), bytes.subarray(9)], encoded(coding))
  expect(await find("api.evil.example")).toMatchObject({ from: "docs.example" })
  const broken = start()
  // More than a block of it, for what is in one that broke off cannot be had.
  const words = Array.from({ length: 40_000 }, (_, at) => Math.imul(at, 2654435761).toString(36)).join(" ")
  broken.answer([compress(Buffer.from(`api.evil.example ${words}`)).subarray(0, -4)], encoded(coding))
  expect(await broken.find("api.evil.example")).toMatchObject({ from: "docs.example" })
})

test("what is no text, and what cannot be decoded, is not looked at", async () => {
  const { answer, find } = start()
  answer(["api.evil.example"], [["content-type", "image/png"]])
  answer(["api.evil.example"], [])
  answer(["api.evil.example"], encoded("gzip"))
  answer(["api.evil.example"], encoded("compress"))
  answer(["api.evil.example"], encoded("gzip, gzip"))
  answer(["api.evil.example"], encoded("__proto__"))
  expect(await find("api.evil.example")).toBeUndefined()
  answer(["api.evil.example"], [["content-type", "application/vnd.api+json"]])
  expect(await find("api.evil.example")).toBeDefined()
})

test("a flood costs a bounded amount, and pushes out what was seen before", async () => {
  const { answer, find, sightings } = start()
  answer(["api.evil.example"])
  // One answer adds only so many names, and what stands behind them is not read.
  answer([Array.from({ length: 300 }, (_, i) => `h${i}.flood.example`).join(" ")])
  expect(await find("h199.flood.example")).toBeDefined()
  expect(await find("h200.flood.example")).toBeUndefined()
  answer(["x ".repeat(200_000), "late.example"])
  expect(await find("late.example")).toBeUndefined()
  expect(await find("api.evil.example")).toBeDefined()
  for (let page = 0; page < 12; page++)
    answer([Array.from({ length: 200 }, (_, i) => `p${page}h${i}.flood.example`).join(" ")])
  expect(await find("api.evil.example")).toBeUndefined()
  sightings.end("r1")
  expect(await find("p11h1.flood.example")).toBeUndefined()
})

test("what unpacks to much more than it is long is read to a bound", async () => {
  const { answer, find } = start()
  answer([gzipSync(Buffer.from(`api.evil.example ${"x ".repeat(20_000_000)} late.example`))], encoded("gzip"))
  expect(await find("api.evil.example")).toBeDefined()
  expect(await find("late.example")).toBeUndefined()
})
