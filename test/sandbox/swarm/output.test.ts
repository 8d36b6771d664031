import { spawn } from "node:child_process"
import { once } from "node:events"
import { Writable } from "node:stream"
import { fileURLToPath } from "node:url"
import fc from "fast-check"
import { describe, expect, it, onTestFinished } from "vitest"
import type { Output } from "../../../src/context.ts"
import { prefixLines } from "../../../src/sandbox/swarm/output.ts"
import "../../seed.ts"

/** What reaches the person's terminal of what an agent wrote in these pieces. */
async function shown(...pieces: readonly (string | Buffer)[]): Promise<string> {
  let text = ""
  const to = new Writable({
    decodeStrings: false,
    write: (chunk: string | Buffer, _, done) => {
      text += chunk.toString()
      done()
    },
  }) as unknown as Output
  const output = prefixLines(to, "a | ") as unknown as Writable
  for (const piece of pieces) output.write(piece)
  output.end()
  await new Promise((resolve) => output.on("finish", resolve))
  return text
}

/** A piece of text, cut where `at` says. */
function cut(bytes: Buffer, at: readonly number[]): Buffer[] {
  const places = [...new Set(at.map((one) => one % (bytes.length + 1)))].sort((a, b) => a - b)
  return [...places, bytes.length].map((end, index) => bytes.subarray(places[index - 1] ?? 0, end))
}

describe("what an agent of a swarm prints", () => {
  it("is shown line by line behind its name", async () => {
    expect(await shown("one\ntwo\n")).toBe("a | one\na | two\n")
    expect(await shown("one\r\n\r\ntwo")).toBe("a | one\na | \na | two\n")
    expect(await shown()).toBe("")
  })

  it("loses its colours and keeps its text", async () => {
    expect(await shown("\u001b[1;31mred\u001b[0m\tlight\n")).toBe("a | red    light\n")
  })

  it.each([
    ["the title", "\u001b]0;owned\u0007"],
    ["the clipboard", "\u001b]52;c;b3duZWQ=\u0007"],
    ["a link", "\u001b]8;;https://api.example.com\u001b\\here\u001b]8;;\u001b\\"],
    ["the cursor", "\u001b[2J\u001b[H"],
    ["a device string", "\u001bP+q544e\u001b\\"],
    ["eight-bit controls", "\u009b2J\u009d0;owned\u009c"],
    ["another agent's name, over the line", "x\rb | y"],
    ["the direction of text", "\u202egnp.exe"],
  ])("cannot reach %s", async (_, text) => {
    const line = await shown(`${text}\n`)
    expect(line).toMatch(/^a \| /)
    expect(line.slice(0, -1)).not.toMatch(/[\p{Cc}\u202e]/u)
  })

  it("is the same wherever it is cut, and never holds a control", async () => {
    const part = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.constantFrom("\u001b[31m", "\u001b]0;t\u0007", "\n", "\r\n", "\u009b", "\u001b", "\u{1f600}"),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(part, { maxLength: 12 }), fc.array(fc.nat(), { maxLength: 8 }), async (parts, at) => {
        const bytes = Buffer.from(parts.join(""), "utf8")
        const whole = await shown(bytes)
        expect(await shown(...cut(bytes, at))).toBe(whole)
        expect(whole.replaceAll("\n", "")).not.toMatch(/\p{Cc}/u)
        for (const line of whole.split("\n").slice(0, -1)) expect(line.startsWith("a | ")).toBe(true)
      }),
      { numRuns: 60 },
    )
  })

  it("is bounded: a line without an end is shown in parts", async () => {
    const text = await shown("x".repeat(100_000))
    const lines = text.trimEnd().split("\n")
    expect(lines.length).toBeGreaterThan(5)
    for (const line of lines) expect(line.length).toBeLessThan(5_000)
  })
})

describe("a stdout that takes no more for now, or never again", () => {
  const PIPED = fileURLToPath(new URL("piped.ts", import.meta.url))

  it("whose reader left (| head) ends the agents as any program", async () => {
    const child = spawn(process.execPath, [PIPED], { stdio: ["ignore", "pipe", "pipe"] })
    onTestFinished(() => void child.kill("SIGKILL"))
    child.stdout.once("data", () => child.stdout.destroy())
    const said = child.stderr.setEncoding("utf8").toArray()
    expect(await once(child, "close")).toEqual([0, null])
    // By a signal; by itself where the last of it lay unread.
    expect((await said).join("")).toMatch(/^(1|141) (1|141)$/)
  })

  it.each([["fails", new Error("EPIPE")] as const, ["is closed", undefined] as const])(
    "and %s is told to each agent that waits for it",
    async (_, cause) => {
      const to = new Writable({ highWaterMark: 1, write: () => {} })
      to.on("error", () => {})
      const outputs = ["a", "b"].map((name) => prefixLines(to, `${name} | `))
      const told = outputs.map((output) => once(output, "error"))
      for (const output of outputs) output.write("text\n")
      to.destroy(cause)
      await Promise.all(told)
    },
  )

  it("is listened to once, however many agents wait", async () => {
    const held: (() => void)[] = []
    const to = new Writable({ highWaterMark: 1, write: (_chunk, _, done) => void held.push(done) })
    const before = to.listenerCount("drain")
    const outputs = Array.from({ length: 20 }, (_, index) => prefixLines(to, `${index} | `))
    const written = outputs.map((output) => new Promise((resolve) => output.write("text\n", resolve)))
    expect(to.listenerCount("drain")).toBe(before + 1)
    while (held.length > 0) {
      held.shift()!()
      await new Promise(setImmediate)
    }
    await Promise.all(written)
    expect(to.listenerCount("drain")).toBe(before)
  })
})
