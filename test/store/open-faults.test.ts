// The store goes on, and closes, where the thread that derives cannot be started.
import { readdirSync } from "node:fs"
import { join } from "node:path"
import { expect, test, vi } from "vitest"
import type { NanoguardError } from "../../src/errors.ts"
import { openStore } from "../../src/store/open.ts"
import { emptyHome, temporaryDirectory, testContext } from "../context.ts"

const EVENT = { type: "policy.adopted", subject: "nanoguard.yaml", gateway: "gw" }

test("a deriver that cannot start is told of, rejects nothing behind anybody's back, and is in the way of no end", async () => {
  const unhandled = vi.fn()
  process.on("unhandledRejection", unhandled)
  const ctx = testContext(temporaryDirectory(), { env: emptyHome() })
  // No thread can be given this: a symbol cannot be sent to it.
  const env = { ...ctx.env, BROKEN: Symbol("x") as never }
  const troubles: (NanoguardError | undefined)[] = []
  const store = await openStore({ ...ctx, env }, { gateway: "gw", onTrouble: (error) => troubles.push(error) })
  try {
    expect(await store.append(EVENT)).toBe(1)
    expect(await store.append(EVENT)).toBe(2)
    await vi.waitFor(() => expect(troubles).toHaveLength(1))
    expect(troubles[0]!.message).toMatch(/^the thread that derives the log's tree could not be started/)
    await expect(store.checkpoint()).rejects.toBe(troubles[0])
  } finally {
    await store.close()
  }
  await new Promise((resolve) => setTimeout(resolve, 10))
  process.off("unhandledRejection", unhandled)
  expect(unhandled).not.toHaveBeenCalled()
  // Reader and committer are closed: the last connection took the WAL with it.
  expect(readdirSync(join(ctx.env["NANOGUARD_HOME"]!, "state"))).not.toContain("record.db-wal")
})
