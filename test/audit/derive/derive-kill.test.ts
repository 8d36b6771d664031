import { test } from "vitest"
import { killDerivers } from "./derive-kill.ts"

test("derivation goes on after two derivers at once were killed", { timeout: 60_000 }, () => killDerivers(2))
