// Stores that tests open in their own thread run their other threads' code from the bundle of this run (test/programs.ts).
import { inject, vi } from "vitest"
import type { WorkerName } from "../src/store/workerUrl.ts"

vi.mock("../src/store/workerUrl.ts", () => ({
  workerUrl: (name: WorkerName) => new URL(`${name}.js`, inject("programs")),
}))
