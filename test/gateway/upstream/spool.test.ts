import { open } from "node:fs/promises"
import { join } from "node:path"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { createSpool, DiskError } from "../../../src/gateway/upstream/spool.ts"
import { TransferError } from "../../../src/gateway/upstream/types.ts"
import { emptyDirectory } from "../../packages/registries/server.ts"
import { noise } from "./open.ts"

const tick = () => new Promise((resolve) => setImmediate(resolve))

describe("a spool", () => {
  it("gives every reader all bytes, at its own pace, and the last chunk only once it is finished", async () => {
    const directory = emptyDirectory()
    let files = 0
    const sizes = fc.array(fc.integer({ min: 0, max: 200_000 }), { maxLength: 12 })
    // When each reader comes, in chunks, and how many turns it waits between two reads.
    const readers = fc.array(fc.record({ from: fc.nat(12), pace: fc.nat(4) }), { minLength: 1, maxLength: 4 })
    await fc.assert(
      fc.asyncProperty(sizes, readers, fc.boolean(), async (lengths, plans, stored) => {
        let opened = 0
        const spool = createSpool(
          () => {
            opened++
            return open(join(directory, String(files++)), "wx+")
          },
          () => {},
        )
        const source = noise(lengths.reduce((sum, length) => sum + length, 0))
        const last = lengths.findLast((length) => length > 0) ?? 0
        let isFinished = false
        const read = async (pace: number): Promise<Buffer> => {
          const reader = spool.read()
          const chunks: Uint8Array[] = []
          let bytes = 0
          for (;;) {
            const { done, value } = await reader.next()
            if (done) return Buffer.concat(chunks)
            chunks.push(value)
            bytes += value.length
            if (!isFinished) expect(bytes).toBeLessThanOrEqual(source.length - last)
            for (let i = 0; i < pace; i++) await tick()
          }
        }
        const results: Promise<Buffer>[] = []
        const join_ = (at: number) => {
          for (const { from, pace } of plans) if (Math.min(from, lengths.length) === at) results.push(read(pace))
        }
        let at = 0
        for (const [index, length] of lengths.entries()) {
          join_(index)
          await spool.append(source.subarray(at, at + length))
          at += length
        }
        await tick()
        isFinished = true
        spool.finish()
        if (stored) await spool.store()
        join_(lengths.length)
        for (const result of await Promise.all(results)) expect(result.equals(source)).toBe(true)
        await spool.letGo()
        expect(spool.size).toBe(source.length)
        expect(opened).toBeLessThanOrEqual(1)
      }),
      { numRuns: 60 },
    )
  })

  it("tells every reader that it failed, also those that wait", async () => {
    let alone = 0
    const spool = createSpool(
      () => Promise.reject(new Error("no disk")),
      () => alone++,
    )
    await spool.append(noise(1_000))
    const [one, two] = [spool.read(), spool.read()]
    const waiting = one.next()
    spool.fail(new Error("it broke off"))
    await expect(waiting).rejects.toThrow("it broke off")
    await expect(two.next()).rejects.toThrow("it broke off")
    await expect(two.next()).rejects.toThrow(TransferError)
    expect(alone).toBe(1)
  })

  it("needs the disk only for what does not fit into memory", async () => {
    const spool = createSpool(
      () => Promise.reject(new Error("no disk")),
      () => {},
    )
    for (let i = 0; i < 3; i++) await spool.append(noise(80_000))
    const append = async () => {
      for (let i = 0; i < 20; i++) await spool.append(noise(80_000))
    }
    await expect(append()).rejects.toThrow(DiskError)
    await expect(spool.store()).rejects.toThrow(DiskError)
  })
})
