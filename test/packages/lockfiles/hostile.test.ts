// What an attacker may send: every reader either reads it whole or says in which file and line it stopped.
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { NanoguardError } from "../../../src/errors.ts"
import type { Lockfile } from "../../../src/packages/types.ts"
import { BESIDE, parse, SAMPLES } from "./samples.ts"

/** The lockfile, or the error that a person gets; anything else fails the test. */
async function outcome(file: string, text: string): Promise<Lockfile | NanoguardError> {
  try {
    const lockfile = await parse(file, text, BESIDE)
    for (const { key } of lockfile.dependencies) expect(lockfile.lineOf(key)).toBeGreaterThan(0)
    return lockfile
  } catch (error) {
    if (!(error instanceof NanoguardError)) throw error
    expect(error.exit).toBe(3)
    expect(error.where?.file).toBe(file)
    expect(error.where?.line).toBeGreaterThan(0)
    expect(error.where?.line).toBeLessThanOrEqual(text.split("\n").length)
    expect(error.message).toMatch(/^[\x20-\x7e…]+$/)
    return error
  }
}

describe.each(Object.entries(SAMPLES))("%s", (format, [file, text]) => {
  it("is refused wherever it is cut off, or still says everything", async () => {
    const whole = (await parse(file, text, BESIDE)).dependencies.length
    for (let length = 1; length < text.trimEnd().length; length += 7) {
      const cut = await outcome(file, text.slice(0, length))
      if (cut instanceof NanoguardError) continue
      expect(["npm 1", "npm 2", "npm 3", "bun"], `cut at ${length}`).not.toContain(format)
      // yarn 1 and pnpm 5 and 6 end at the end of any entry; then something wanted is missing, which is said.
      if (cut.warnings.length === 0) expect(cut.dependencies, `cut at ${length}`).toHaveLength(whole)
    }
  })

  it("never breaks on changed bytes", async () => {
    const edit = fc.record({
      at: fc.nat({ max: text.length }),
      drop: fc.nat({ max: 12 }),
      insert: fc.oneof(
        fc.string({ unit: "binary", maxLength: 8 }),
        fc.constantFrom(
          '"',
          "{",
          "}",
          "[",
          "]",
          ":",
          "\n",
          "\n  ",
          "__proto__",
          "- ",
          "&a ",
          "*a",
          "!!x ",
          "null",
          "\\",
          "@",
          "\u202e",
          "\0",
        ),
      ),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(edit, { minLength: 1, maxLength: 4 }), async (edits) => {
        let changed = text
        for (const { at, drop, insert } of edits) changed = changed.slice(0, at) + insert + changed.slice(at + drop)
        await outcome(file, changed)
      }),
      { numRuns: 300 },
    )
  })

  it("never breaks on arbitrary text", async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: "binary", maxLength: 200 }), async (noise) => {
        await outcome(file, noise)
        await outcome(file, `${text.slice(0, text.indexOf("\n") + 1)}${noise}`)
      }),
    )
  })

  it("is refused with an unresolved merge conflict", async () => {
    const lines = text.split("\n")
    lines.splice(20, 0, "<<<<<<< HEAD", "=======", ">>>>>>> theirs")
    const result = await outcome(file, lines.join("\n"))
    expect(result).toBeInstanceOf(NanoguardError)
    expect(String(result)).toContain("merge conflict")
  })

  it("is refused in a version that is not known, empty, or as something else", async () => {
    const versions: Record<string, [RegExp, string]> = {
      berry: [/version: 8/, "version: 999"],
      "yarn 1": [/lockfile v1/, "lockfile v7"],
    }
    const [pattern, other] = versions[format] ?? [/(ockfileVersion"?: )'?[\d.]+'?/, "$1999"]
    for (const changed of [text.replace(pattern, other), "", "\n", "null", "[]", '"text"', "42"]) {
      expect(await outcome(file, changed), changed.slice(0, 40)).toBeInstanceOf(NanoguardError)
    }
  })

  it("is refused with an entry that stands twice", async () => {
    // The whole block of the first b, again, further down.
    const start = text.search(
      format === "npm 1" ? /^ {4}"b": \{/m : /^.*\bb[@/]\^?1|^ {4}"node_modules\/b"|^ {4}"b":|^"b@npm/m,
    )
    const blank =
      text.indexOf(file === "package-lock.json" ? "    }," : "\n\n", start) + (file === "package-lock.json" ? 6 : 2)
    const block = text.slice(start, blank)
    expect(block.length).toBeGreaterThan(20)
    const result = await outcome(
      file,
      text.slice(0, blank) + (file === "package-lock.json" ? "\n" : "") + block + text.slice(blank),
    )
    expect(result).toBeInstanceOf(NanoguardError)
    expect(String(result)).toContain("twice")
  })
})

describe("deep nesting", () => {
  const deep = (open: string, close: string, inner = "") => open.repeat(100_000) + inner + close.repeat(100_000)
  it.each([
    ["package-lock.json", `{"lockfileVersion":3,"packages":{"":${deep("[", "]")}}}`],
    ["package-lock.json", `{"lockfileVersion":3,"packages":{"":${deep('{"a":', "}", "1")}}}`],
    [
      "package-lock.json",
      `{"lockfileVersion":1,"dependencies":${deep('{"a":{"version":"1.0.0","dependencies":', "}}", "{}")}}`,
    ],
    ["package-lock.json", deep("[", "")],
    ["bun.lock", deep('{"a":', "}", "1")],
    ["pnpm-lock.yaml", deep("[", "]")],
    ["pnpm-lock.yaml", deep("- ", "")],
    ["yarn.lock", `__metadata:\n  version: 8\n"a@npm:1": ${deep("{a: ", "}", "1")}`],
    [
      "yarn.lock",
      `# yarn lockfile v1\na@1:\n${Array.from({ length: 2000 }, (_, index) => `${" ".repeat(2 + index * 2)}b:`).join("\n")}`,
    ],
  ])("%s is refused", async (file, text) => {
    expect(await outcome(file, text)).toBeInstanceOf(NanoguardError)
  })
})

describe("what grows faster than the file", () => {
  const many = (count: number, line: (index: number) => string) =>
    Array.from({ length: count }, (_, index) => line(index)).join("")
  it.each([
    [
      "package-lock.json",
      JSON.stringify({
        lockfileVersion: 3,
        packages: { [`${"node_modules/a/".repeat(65)}node_modules/b`]: { version: "1.0.0" } },
      }),
      "64 levels",
    ],
    [
      "yarn.lock",
      `# yarn lockfile v1\n\n${many(1100, (n) => `a@${n}:\n  version "1.0.0"\n  dependencies:\n    a none\n\n`)}`,
      "1000000 edges",
    ],
    [
      "yarn.lock",
      `__metadata:\n  version: 8\n"app@workspace:.":\n  version: 0\n  resolution: "app@workspace:."\n${many(1100, (n) => `"a@npm:${n}":\n  version: 1.0.${n}\n  resolution: "a@npm:1.0.${n}"\n  dependencies:\n    a: none\n`)}`,
      "1000000 edges",
    ],
    ["bun.lock", "/**/".repeat(1_100_000), "1000000 comments"],
  ])("%s is refused: %#", async (file, text, message) => {
    expect(String(await outcome(file, text))).toContain(message)
  })
})

it("reads a key of yarn's with 200,000 blanks in it in less than a second", async () => {
  const text = `__metadata:\n  version: 8\n"a@npm:1${" ".repeat(200_000)}b":\n  version: 1.0.0\n  resolution: "a@npm:1.0.0"\n`
  const begun = performance.now()
  expect(await outcome("yarn.lock", text)).toBeInstanceOf(NanoguardError)
  expect(performance.now() - begun).toBeLessThan(1000)
})

describe("YAML that expands", () => {
  it("is refused: an alias bomb", async () => {
    const levels = Array.from({ length: 30 }, (_, level) => `a${level + 1}: &a${level + 1} [*a${level}, *a${level}]`)
    const text = `lockfileVersion: '9.0'\na0: &a0 [x]\n${levels.join("\n")}\n`
    expect(String(await outcome("pnpm-lock.yaml", text))).toContain("alias")
  })
})

describe.each(["npm 1", "npm 2", "npm 3"])("%s", (format) => {
  it("never breaks on an object without a text in place of any value", async () => {
    const [file, text] = SAMPLES[format]!
    let values = 0
    JSON.parse(text, () => void values++)
    for (let at = 0; at < values; at++) {
      let seen = 0
      const changed = JSON.parse(text, (_, value) => (seen++ === at ? { toString: 1, valueOf: 1 } : value))
      await outcome(file, JSON.stringify(changed))
    }
    expect(values).toBeGreaterThan(20)
  })
})

// What JSON.parse of Node.js 24 makes of it: the second entry has a `resolve\`, and comes from the default registry.
it("shows every field of an entry, however its name is written and whatever stands before", async () => {
  const entries = String.raw`"node_modules/a": { "version": "1.0.0", "resolve\\": "x" },
    "node_modules/b": { "version": "1.0.0", "resolve\u0064": "https://evil.example/x.tgz" }`
  const text = `{ "lockfileVersion": 3, "packages": { "": {}, ${entries} } }`
  const { dependencies } = await parse("package-lock.json", text)
  expect(dependencies.find(({ name }) => name === "b")?.source).toEqual({
    kind: "url",
    url: "https://evil.example/x.tgz",
  })
})
