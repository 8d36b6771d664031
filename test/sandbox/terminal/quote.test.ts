import { execFileSync } from "node:child_process"
import fc from "fast-check"
import { expect, it } from "vitest"
import { quoteWord, quoteWords } from "../../../src/sandbox/terminal/quote.ts"

it("leaves plain words as people write them", () => {
  expect(quoteWords(["docker", "run", "--env", "A.b", "-v", "/a:/b,ro", "user@host", "50%"])).toBe(
    "docker run --env A.b -v /a:/b,ro user@host 50%",
  )
})

it("quotes the rest", () => {
  expect(quoteWord("")).toBe("''")
  expect(quoteWord("it's")).toBe(`'it'\\''s'`)
  expect(quoteWords(["a b", "$(rm)", "~", "#x", "!1", "A=~"])).toBe("'a b' '$(rm)' '~' '#x' '!1' 'A=~'")
})

it("any words come out of a shell as they went in", () => {
  const word = fc.oneof(
    fc.string({ unit: "binary", maxLength: 12 }),
    fc.stringMatching(/^[ '"\\$`!~#&|;<>(){}*?[\]=\n\t%-]{0,8}$/),
  )
  fc.assert(
    fc.property(
      fc.array(
        word.filter((text) => !/[\0\ud800-\udfff]/.test(text)),
        { maxLength: 30 },
      ),
      (words) => {
        const printed = execFileSync("/bin/sh", ["-c", `printf '%s\\0' ${quoteWords(["-", ...words])}`], {
          encoding: "utf8",
        })
        expect(printed.split("\0").slice(1, -1)).toEqual(words)
      },
    ),
    { numRuns: 60 },
  )
})
