// What an agent writes as a content-type is read before anything is decided: it must end, whatever it is.
import { expect, test } from "vitest"
import { readMediaType } from "../../../src/gateway/services/body.ts"

test.each([
  ["application/json", "application/json", {}],
  ["Application/JSON ; charset=utf-8", "application/json", { charset: "utf-8" }],
  ['multipart/form-data; boundary="a b" ;x=y', "multipart/form-data", { boundary: "a b", x: "y" }],
  ["a/b;", "a/b", {}],
  ["a/b; ; \t;c=d", "a/b", { c: "d" }],
  ["a/b; c=d; C=e", "", {}],
  ["a/b c", "", {}],
  ["a/b; c", "", {}],
  ["a/b, c/d", "", {}],
  [`a/b${";x=y".repeat(200)}`, "", {}],
])("%s", (header, type, parameters) => {
  expect(readMediaType(header)).toEqual({ type, parameters: expect.objectContaining(parameters) })
})

// Each of these took longer than anybody waits for, and the whole gate with it.
test.each([
  `a/b${";   ".repeat(120)}!`,
  `a/b${"; \t".repeat(150)}!`,
  `a/b${" ".repeat(480)}!`,
  `a/b${";a=b ".repeat(90)}"`,
])("a content-type that is none is found to be none: %s", (header) => {
  expect(header.length).toBeLessThanOrEqual(500)
  expect(readMediaType(header).type).toBe("")
})
