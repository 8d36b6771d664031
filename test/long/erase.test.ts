// Hundreds of people erased among thousands.
import { test } from "vitest"
import { scrubMany } from "../audit/erase/erase-many.ts"

const people = process.env["NANOGUARD_SAMPLE"] === "1" ? 3000 : 10_000

test(`nothing is left of every sixth of ${people} people who was erased, and all of the others`, () =>
  scrubMany(people))
