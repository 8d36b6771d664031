// Where no file can be opened nobody is taken for gone, nothing for over and nothing for unasked.
import fs, { readdirSync, writeFileSync } from "node:fs"
import { syncBuiltinESMExports } from "node:module"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { expect, onTestFinished, test } from "vitest"
import { processContext } from "../../src/context.ts"
import { stateHome } from "../../src/home.ts"
import { claimPlaces } from "../../src/sandbox/neighbours/claims.ts"
import { temporaryDirectory, testContext } from "../context.ts"

const CROWDED = fileURLToPath(new URL("crowded.ts", import.meta.url))

test.runIf(process.platform === "linux")(
  "a process that can open no file takes none for gone, and keeps still what somebody asks or kills",
  async () => {
    const script = 'ulimit -n 64; exec "$0" "$1" "$2"'
    const { exitCode, stdout, stderr } = await processContext().exec(
      "/bin/sh",
      ["-c", script, process.execPath, CROWDED, temporaryDirectory()],
      { timeout: 20_000 },
    )
    expect(stderr).toBe("")
    expect([exitCode, ...stdout.trim().split("\n")]).toEqual([
      0,
      "begins",
      "own identity: which process is alive cannot be told (EMFILE)",
      "start of another: which process is alive cannot be told (EMFILE)",
      "another is alive: true",
      expect.stringMatching(/^own identity later: boot .*pid space start$/),
      "asked by another: freeze",
      "killed by another: true",
    ])
  },
)

test("a claim is somebody's as long as it cannot be told whether it lasts", async () => {
  const ctx = testContext(temporaryDirectory())
  const first = await claimPlaces(ctx, { places: ["/q"], alone: true }, 1000)
  first.release()
  const looks = join(stateHome(ctx), "looks")
  const owner = { pid: 7, start: "1", machine: "another" }
  const claim = join(looks, "000000001-00000000000a.has")
  writeFileSync(claim, JSON.stringify({ places: ["/p"], alone: true, owner }))
  const stat = fs.statSync as (...args: unknown[]) => unknown
  const failing = (...args: unknown[]) => {
    if (args[0] === claim) throw Object.assign(new Error("EIO: of the test"), { code: "EIO" })
    return stat(...args)
  }
  Object.assign(fs, { statSync: failing })
  syncBuiltinESMExports()
  onTestFinished(() => {
    Object.assign(fs, { statSync: stat })
    syncBuiltinESMExports()
  })
  await expect(claimPlaces(ctx, { places: ["/p/app"], alone: false }, 30)).rejects.toThrow(/too long/)
  expect(readdirSync(looks)).toEqual(["000000001-00000000000a.has"])
  // Nobody's, as a process leaves it that is interrupted by the end of everything.
  writeFileSync(claim, "{}")
  const { release } = await claimPlaces(ctx, { places: ["/p/app"], alone: false }, 1000)
  release()
})
