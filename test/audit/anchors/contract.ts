// What holds for every kind of anchor: the same tests run over each.
import { expect, it } from "vitest"
import { publishTo } from "../../../src/audit/anchors/publish.ts"
import { signCheckpoint } from "../../../src/audit/checkpoints/checkpoint-text.ts"
import { makeSigner } from "../../../src/audit/checkpoints/note.ts"
import type { Anchor } from "../../../src/audit/types.ts"
import { KEY, makeLog, ORIGIN } from "./log.ts"

/** Declares the tests. `open` makes an empty place and opens it; called again with the same place it opens that again. */
export function testAnchor(open: () => Promise<{ anchor: Anchor; again: () => Anchor }>): void {
  const log = makeLog(40)
  const cut = makeLog(20)
  const rewritten = makeLog(40, 12)

  it("holds nothing at first, then each checkpoint that was published, by size", async () => {
    const { anchor, again } = await open()
    expect(await anchor.read(ORIGIN)).toEqual([])
    expect(await anchor.read(ORIGIN, true)).toEqual([])
    expect(await publishTo(anchor, log.at(7), log.prove)).toEqual({ published: true, before: 0, size: 7 })
    expect(await publishTo(anchor, log.at(10), log.prove)).toEqual({ published: true, before: 7, size: 10 })
    expect(await publishTo(again(), log.at(33), log.prove)).toEqual({ published: true, before: 10, size: 33 })
    expect(plain(await again().read(ORIGIN))).toEqual(plain([log.at(7), log.at(10), log.at(33)]))
    expect(plain((await again().read(ORIGIN, true)).slice(-1))).toEqual(plain([log.at(33)]))
  })

  it("is left as it is where it has this checkpoint or a later one of the same log", async () => {
    const { anchor } = await open()
    await publishTo(anchor, log.at(10), log.prove)
    expect(await publishTo(anchor, log.at(10), log.prove)).toEqual({ published: false, before: 10, size: 10 })
    expect(await publishTo(anchor, log.at(4), log.prove)).toEqual({ published: false, before: 10, size: 10 })
    await anchor.publish(log.at(10))
    expect(await anchor.read(ORIGIN)).toHaveLength(1)
  })

  it("is never written over by a log that was rewritten or cut", async () => {
    const { anchor } = await open()
    await publishTo(anchor, log.at(30), log.prove)
    for (const [size, other] of [
      [30, rewritten],
      [40, rewritten],
      [20, rewritten],
      [20, cut],
    ] as const) {
      const attempt = publishTo(anchor, other.at(size), other.prove)
      const heads = { published: expect.objectContaining({ size: 30 }), own: expect.objectContaining({ size }) }
      await expect(attempt, String(size)).rejects.toMatchObject({
        name: "SplitView",
        exit: 1,
        place: anchor.name,
        ...heads,
      })
    }
    expect(await anchor.read(ORIGIN)).toHaveLength(1)
    // What is older than the change is in both histories.
    expect(await publishTo(anchor, log.at(31), log.prove)).toMatchObject({ published: true })
  })

  it("keeps logs apart", async () => {
    const { anchor } = await open()
    const other = makeSigner("nanoguard/other", KEY.privateKey)
    const theirs = signCheckpoint({ size: 99, root: new Uint8Array(32) }, other)
    await anchor.publish(theirs)
    expect(await anchor.read(ORIGIN)).toEqual([])
    await publishTo(anchor, log.at(5), log.prove)
    expect(plain(await anchor.read(ORIGIN))).toEqual(plain([log.at(5)]))
    expect(plain(await anchor.read("nanoguard/other"))).toEqual(plain([theirs]))
  })

  it("ends with one history when several processes publish at once", async () => {
    const { anchor, again } = await open()
    await publishTo(anchor, log.at(1), log.prove)
    const sizes = [5, 9, 22]
    const results = await Promise.allSettled(sizes.map((size) => publishTo(again(), log.at(size), log.prove)))
    for (const result of results) {
      if (result.status === "rejected") expect(result.reason).toMatchObject({ exit: 5 })
    }
    await publishTo(anchor, log.at(40), log.prove)
    const found = await anchor.read(ORIGIN)
    expect(found.at(-1)!.size).toBe(40)
    for (const { size, note } of found) expect(note).toBe(log.at(size).note)
  })
}

/** Roots as text, so that one kind of byte array equals another. */
function plain(checkpoints: readonly { origin: string; size: number; root: Uint8Array; note: string }[]) {
  return checkpoints.map(({ root, ...rest }) => ({ ...rest, root: Buffer.from(root).toString("hex") }))
}
