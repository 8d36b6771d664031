import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { createTerminalFilter } from "../../../src/sandbox/terminal/filter.ts"
import { findForbidden, showOnTerminal } from "./oracle.ts"
import { BEYOND, HARMLESS, hostile } from "./samples.ts"

/** What passes of chunks, the end included. */
function passedOf(...chunks: Uint8Array[]): Buffer {
  const filter = createTerminalFilter()
  const passed = chunks.map((chunk) => Buffer.from(filter.write(chunk)))
  return Buffer.concat([...passed, filter.end()])
}
const latin = (text: string) => Buffer.from(text, "latin1")

describe("what a program prints", () => {
  it.each(Object.entries(HARMLESS))("passes as it is: %s", (_, text) => {
    expect(passedOf(Buffer.from(text)).toString()).toBe(text)
  })

  it.each(BEYOND)("is taken out: $name", async ({ bytes, left = "" }) => {
    expect(passedOf(latin(`a${bytes}b`)).toString("latin1")).toBe(`a${left}b`)
    expect(findForbidden(latin(bytes))).toBeDefined()
  })

  it("loses of a list of modes only those that may not be set", () => {
    expect(passedOf(latin("\x1b[?1049;3;2004h")).toString()).toBe("\x1b[?1049;2004h")
  })

  it("ends a string where a terminal does, and nowhere else", () => {
    // The second byte of a character is not ST, and BEL ends only what begins with OSC.
    expect(passedOf(Buffer.from("\x1b]0;✓ ok\x07after")).toString()).toBe("after")
    expect(passedOf(latin("\x1b_a\x07b\x1b\\after")).toString()).toBe("after")
    expect(passedOf(latin("\x1b]0;title\x18after")).toString()).toBe("after")
    expect(passedOf(latin("\x1b]0;title\x1b[31mafter")).toString()).toBe("\x1b[31mafter")
  })

  it("begins anew in the middle of a sequence that is broken off", () => {
    expect(passedOf(latin("\x1b[3\x1b[31mred")).toString()).toBe("\x1b[31mred")
    expect(passedOf(latin("\x1b[3\x18m")).toString()).toBe("m")
    expect(passedOf(Buffer.from("\x1b[3é")).toString()).toBe("é")
    expect(passedOf(latin("\x1b[3\r\n1m")).toString()).toBe("\x1b[31m")
  })

  it("is U+FFFD where it is no UTF-8, overlong controls included", () => {
    for (const bytes of [
      "\x9b31m",
      "\xc0\x9b",
      "\xe0\x80\x9b",
      "\xf0\x80\x80\x9b",
      "\xed\xa0\x80",
      "\xf4\x90\x80\x80",
      "\xff",
    ])
      expect(passedOf(latin(bytes)).toString()).toMatch(/^\ufffd+(31m)?$/)
    expect(passedOf(latin("cut \xe2\x9c")).toString()).toBe("cut \ufffd")
  })

  it("needs no more memory for a string or sequence without an end", () => {
    const filter = createTerminalFilter()
    const much = Buffer.alloc(1 << 18, "1;")
    for (const start of ["\x1b]52;c;", "\x1b[", "\x1bP", "\x1b "]) {
      expect(Buffer.from(filter.write(latin(start))).toString()).toBe("")
      const before = process.memoryUsage().arrayBuffers + process.memoryUsage().heapUsed
      for (let index = 0; index < 64; index++) filter.write(much)
      expect(process.memoryUsage().arrayBuffers + process.memoryUsage().heapUsed - before).toBeLessThan(12 << 20)
      filter.write(latin("\x18"))
    }
    expect(Buffer.from(filter.write(latin("after"))).toString()).toBe("after")
  })

  it("is not copied where all of it passes", () => {
    const chunk = latin("\x1b[31mred\x1b[0m and plain\r\n".repeat(100))
    expect(createTerminalFilter().write(chunk)).toBe(chunk)
  })
})

describe("whatever a program prints", () => {
  it("only harmless sequences reach the terminal, which tells nothing that the program could choose", async () => {
    await fc.assert(
      fc.asyncProperty(hostile, async (bytes) => {
        const passed = passedOf(bytes)
        expect(findForbidden(passed)).toBeUndefined()
        const { titles, commands, answers } = await showOnTerminal(passed)
        expect({ titles, commands }).toEqual({ titles: [], commands: [] })
        expect(
          answers.replace(/\x1b\[(?:\d+;\d+R|0n|[?>]?[\d;]+\$?[cynRu]|\?\d*u)|\x1bP>\|xterm\.js\([\d.]+\)\x1b\\/g, ""),
        ).toBe("")
      }),
      { numRuns: 300 },
    )
  })

  it("passes alike however it is cut", () => {
    fc.assert(
      fc.property(hostile, fc.array(fc.nat(200), { maxLength: 5 }), (bytes, cuts) => {
        const whole = passedOf(bytes)
        const single = passedOf(...Array.from(bytes, (byte) => Uint8Array.of(byte)))
        expect(single.equals(whole)).toBe(true)
        const at = [0, ...cuts.map((cut) => Math.min(cut, bytes.length)).sort((a, b) => a - b), bytes.length]
        const chunks = at.slice(1).map((end, index) => bytes.subarray(at[index]!, end))
        expect(passedOf(...chunks).equals(whole)).toBe(true)
      }),
      { numRuns: 500 },
    )
  })

  it("passes a second time as it is", () => {
    fc.assert(
      fc.property(hostile, (bytes) => {
        const once = passedOf(bytes)
        expect(passedOf(once).equals(once)).toBe(true)
      }),
      { numRuns: 300 },
    )
  })

  it("is text as it was where it is text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const plain = text.replace(/[\x00-\x1f\x7f-\x9f]/g, "")
        expect(passedOf(Buffer.from(plain)).equals(Buffer.from(plain))).toBe(true)
      }),
    )
  })

  it("is made good: after the reset the terminal is as one that starts", async () => {
    const fresh = await showOnTerminal(Buffer.alloc(0))
    await fc.assert(
      fc.asyncProperty(hostile, async (bytes) => {
        const filter = createTerminalFilter()
        const passed = Buffer.concat([filter.write(bytes), filter.end()])
        const { modes, alternate } = await showOnTerminal(Buffer.from(filter.resetSequence()), passed.toString())
        expect({ modes, alternate }).toEqual({ modes: fresh.modes, alternate: false })
      }),
      { numRuns: 300 },
    )
  })
})

describe("a reset", () => {
  const resetOf = (text: string) => {
    const filter = createTerminalFilter()
    filter.write(latin(text))
    return filter.resetSequence()
  }

  it("is nothing where nothing was changed, or all was undone", () => {
    expect(resetOf("text\r\n")).toBe("")
    expect(
      resetOf("\x1b[?1049h\x1b[?25l\x1b[?1000h\x1b[?1000l\x1b[?25h\x1b[?1049l\x1b[2;5r\x1b[r\x1b[>1u\x1b[<u"),
    ).toBe("")
  })

  it("undoes what was left, the main screen last but for what belongs to it", () => {
    expect(resetOf("\x1b[?1049h\x1b[?25l\x1b[?2004h\x1b[31m\x1b(0\x1b[>1u\x1b[3 q\x1b=")).toBe(
      "\x1b[?25h\x1b[?2004l\x1b[<1u\x1b[?1049l\x0f\x1b(B\x1b)B\x1b[0 q\x1b>\r\n\x1b[J\x1b[0m",
    )
    expect(resetOf("\x1b[2;5r")).toBe("\x1b7\x1b[r\x1b8")
    expect(resetOf("\x1b[2;5r\x1b[?6h")).toBe("\x1b[?6l\x1b[r\x1b[999H\r\n\x1b[J")
    expect(resetOf("\x1b[?7l\x1b[4h\x1b[=5u\x1b[>4;2m")).toBe("\x1b[?7h\x1b[4l\x1b[=0u\x1b[>4;0m\r\n\x1b[J")
  })

  it("is harmless itself", () => {
    fc.assert(
      fc.property(hostile, (bytes) => {
        expect(findForbidden(latin(resetOf(bytes.toString("latin1"))))).toBeUndefined()
      }),
    )
  })
})
