import fc from "fast-check"
import { describe, expect, it, test } from "vitest"
import { compileLicenses } from "../../src/policy/licenses.ts"

describe("denied licences", () => {
  test.each([
    [["AGPL-3.0-only"], "AGPL-3.0-only", "refused"],
    [["AGPL-3.0-only"], "AGPL-3.0-or-later", "refused"],
    [["AGPL-3.0-only"], "AGPL-3.0", "refused"],
    [["AGPL-3.0-only"], "AGPL-3.0+", "refused"],
    [["AGPL-3.0-only"], "GPL-3.0-only", "fine"],
    [["GPL-3.0-only"], "GPL-2.0-or-later", "fine"],
    [["GPL-2.0-or-later"], "GPL-3.0-only", "refused"],
    [["GPL-2.0-only"], "GPL-3.0-only", "fine"],
    [["GPL-2.0-only"], "GPL-2.0-only WITH Classpath-exception-2.0", "refused"],
    [["GPL-2.0-only WITH Classpath-exception-2.0"], "GPL-2.0-only", "fine"],
    [["GPL-3.0-only"], "MIT OR GPL-3.0-only", "fine"],
    [["GPL-3.0-only"], "MIT AND GPL-3.0-only", "refused"],
    [["GPL-3.0-only", "MIT"], "MIT OR GPL-3.0-only", "refused"],
    [["GPL-3.0-only"], "(MIT OR ISC) AND (GPL-3.0-only OR Apache-2.0)", "fine"],
    [["MIT"], "MIT/Apache-2.0", "fine"],
    [["MIT"], "MIT / MIT", "refused"],
    [["MIT"], "", "unknown"],
    [["MIT"], "UNLICENSED", "unknown"],
    [["MIT"], "SEE LICENSE IN LICENSE", "unknown"],
    [["MIT"], "Apache 2.0", "unknown"],
    [["MIT"], "MIT License (see the file)", "unknown"],
    [["MIT"], "NOASSERTION", "unknown"],
    [["MIT"], "LicenseRef-acme", "fine"],
  ])("%j against %s: %s", (listed, expression, expected) => {
    expect(compileLicenses(listed, "denied")(expression)).toBe(expected)
  })
})

describe("accepted licences", () => {
  test.each([
    [["MIT", "Apache-2.0"], "MIT", "fine"],
    [["MIT", "Apache-2.0"], "MIT OR GPL-3.0-only", "fine"],
    [["MIT", "Apache-2.0"], "MIT AND GPL-3.0-only", "refused"],
    [["MIT", "Apache-2.0"], "MIT AND Apache-2.0", "fine"],
    [["Apache-2.0"], "Apache-2.0 WITH LLVM-exception", "refused"],
    [["Apache-2.0 WITH LLVM-exception"], "Apache-2.0 WITH LLVM-exception", "fine"],
    [["GPL-2.0-or-later"], "GPL-3.0-only", "fine"],
    [["GPL-3.0-only"], "GPL-2.0-or-later", "fine"],
    [["GPL-3.0-only"], "GPL-2.0-only", "refused"],
    [["EUPL-1.2"], "EUPL-1.1", "refused"],
    [["LGPL-2.1-only"], "LGPL-3.0-only", "refused"],
    [["MIT"], "LicenseRef-acme", "refused"],
  ])("%j against %s: %s", (listed, expression, expected) => {
    expect(compileLicenses(listed, "accepted")(expression)).toBe(expected)
  })
})

describe("expressions", () => {
  type Tree = string | { op: "AND" | "OR"; left: Tree; right: Tree }
  const ids = ["MIT", "ISC", "Apache-2.0", "0BSD"]
  const { tree } = fc.letrec<{ tree: Tree }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom(...ids),
      fc.record({ op: fc.constantFrom("AND" as const, "OR" as const), left: tie("tree"), right: tie("tree") }),
    ),
  }))
  const write = (node: Tree): string =>
    typeof node === "string" ? node : `(${write(node.left)} ${node.op} ${write(node.right)})`
  /** Every choice written out, which the code under test never does. */
  const choices = (node: Tree): string[][] =>
    typeof node === "string"
      ? [[node]]
      : node.op === "OR"
        ? [...choices(node.left), ...choices(node.right)]
        : choices(node.left).flatMap((a) => choices(node.right).map((b) => [...a, ...b]))

  it("are judged as if every choice were written out", () => {
    fc.assert(
      fc.property(tree, fc.subarray(ids, { minLength: 1 }), (node, listed) => {
        const all = choices(node)
        expect(compileLicenses(listed, "denied")(write(node))).toBe(
          all.every((choice) => choice.some((id) => listed.includes(id))) ? "refused" : "fine",
        )
        expect(compileLicenses(listed, "accepted")(write(node))).toBe(
          all.some((choice) => choice.every((id) => listed.includes(id))) ? "fine" : "refused",
        )
      }),
    )
  })
  it("take no time, however they nest", () => {
    const answer = compileLicenses(["GPL-3.0-only"], "denied")
    expect(answer(Array.from({ length: 40 }, () => "(MIT OR ISC)").join(" AND "))).toBe("fine")
    expect(answer(`${"(".repeat(490)}MIT${")".repeat(490)}`)).toBe("fine")
    expect(answer(`${"(".repeat(5000)}MIT${")".repeat(5000)}`)).toBe("unknown")
    expect(answer("MIT OR ".repeat(100_000))).toBe("unknown")
  })
})
