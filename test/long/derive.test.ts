// Derivers killed at random, many times.
import { test } from "vitest"
import { killDerivers } from "../audit/derive/derive-kill.ts"

const deaths = process.env["NANOGUARD_SAMPLE"] ? 5 : 40

test(`derivation goes on after two derivers at once were killed, ${deaths} times`, () => killDerivers(deaths))
