import { expect, it } from "vitest"
import { servedParents } from "../../src/gateway/served-parents.ts"
import { documentOf } from "../packages/fixtures.ts"

const top = documentOf("top", [
  { version: "1.0.0", requires: { leaf: "1.0.0" } },
  { version: "2.0.0", requires: { leaf: "^2.0.0", mid: "*" } },
  { version: "3.0.0-rc.1", requires: { leaf: "3" } },
  { version: "2.1.0", yanked: true, requires: { leaf: "2.1.0" } },
])
const mid = documentOf("mid", [{ version: "1.0.0", requires: { leaf: ">=1", mid: "*" } }])
const bare = documentOf("bare", [{ version: "1.0.0" }])

it("tells who wants a version, in the version that the run took or would take", () => {
  const parents = servedParents([top, mid, bare], () => undefined)
  expect(parents("leaf", "2.0.0")).toEqual([
    { name: "top", version: "2.0.0", range: "^2.0.0" },
    { name: "mid", version: "1.0.0", range: ">=1" },
  ])
  // Somebody may have asked for an older one of the parent; a yanked one or a pre-release is not what anybody takes.
  expect(parents("leaf", "1.0.0")[0]).toEqual({ name: "top", version: "1.0.0", range: "1.0.0", unlikely: true })
  expect(parents("leaf", "3.0.0")).toEqual([{ name: "mid", version: "1.0.0", range: ">=1" }])
  expect(parents("mid", "1.0.0")).toEqual([{ name: "top", version: "2.0.0", range: "*" }])
  expect(parents("top", "1.0.0")).toEqual([])
  expect(parents("__proto__", "1.0.0")).toEqual([])
})

it("goes by what the run took", () => {
  expect(servedParents([top], () => "1.0.0")("leaf", "1.0.0")).toEqual([
    { name: "top", version: "1.0.0", range: "1.0.0" },
  ])
  expect(servedParents([top], () => "2.0.0")("leaf", "1.0.0")).toEqual([])
})

it("is bounded, however many want it", () => {
  const many = Array.from({ length: 6000 }, (_, n) =>
    documentOf(`p${n}`, [{ version: "1.0.0", requires: { leaf: "*" } }]),
  )
  expect(servedParents(many, () => undefined)("leaf", "1.0.0")).toHaveLength(20)
})
