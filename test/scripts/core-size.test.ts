import { expect, test } from "vitest"
import { countLines, measureCore } from "../../scripts/core-size.ts"

test("counts lines that hold code, and no comment, blank or text that looks like one", () => {
  const source = [
    "// a comment",
    "",
    "/** doc",
    " * more",
    " */",
    "const a = 1 // trailing",
    'const b = "// no comment"',
    "const c = `",
    "/* no comment */`",
    "  /* c */",
    "const d = /https?:\\/\\//",
  ].join("\n")
  expect(countLines(source)).toBe(5)
})

test("follows every import of the law, and of no other room", () => {
  const files = [...measureCore().keys()]
  expect(files).toEqual(
    expect.arrayContaining(["src/policy/decide.ts", "src/policy/decide-package.ts", "src/policy/types.ts"]),
  )
  expect(files.filter((file) => !file.startsWith("src/policy/"))).toEqual(["src/errors.ts"])
})
