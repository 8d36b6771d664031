import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { openAnchor } from "../../../src/audit/anchors/index.ts"
import { publishTo } from "../../../src/audit/anchors/publish.ts"
import { temporaryDirectory, testContext } from "../../context.ts"
import { testAnchor } from "./contract.ts"
import { makeLog, ORIGIN } from "./log.ts"

const log = makeLog(1200)
const file = (size: number): string => `0123abcd4567ef89-${String(size).padStart(16, "0")}.checkpoint`

function place(): { directory: string; anchor: ReturnType<typeof openAnchor> } {
  const directory = temporaryDirectory()
  return { directory, anchor: openAnchor(`dir:${directory}`, testContext(directory)) }
}

describe("a directory", () => {
  testAnchor(async () => {
    const { directory, anchor } = place()
    return { anchor, again: () => openAnchor(`dir:${directory}`, testContext(directory)) }
  })

  it("has one file a checkpoint, which is the note, not to be written again, and sorts by size", async () => {
    const { directory, anchor } = place()
    const umask = process.umask(0o077)
    try {
      for (const size of [9, 10, 1100]) await publishTo(anchor, log.at(size), log.prove)
    } finally {
      process.umask(umask)
    }
    expect(readdirSync(directory).sort()).toEqual([file(9), file(10), file(1100)])
    expect(readFileSync(join(directory, file(10)), "utf8")).toBe(log.at(10).note)
    expect(statSync(join(directory, file(10))).mode & 0o777).toBe(0o444)
  })

  it("may be written by two processes at the same size, once", async () => {
    const { directory, anchor } = place()
    await Promise.all([anchor.publish(log.at(8)), anchor.publish(log.at(8))])
    expect(readdirSync(directory)).toEqual([file(8)])
    await expect(anchor.publish(makeLog(20, 3).at(8))).rejects.toMatchObject({ name: "SplitView" })
    expect(readFileSync(join(directory, file(8)), "utf8")).toBe(log.at(8).note)
  })

  it("is not made where it is missing: its disk may not be mounted", async () => {
    const { directory } = place()
    const missing = join(directory, "mount")
    const anchor = openAnchor(`dir:${missing}`, testContext(directory))
    const message = expect.stringMatching(/cannot be (read|written): it is not there \(ENOENT\)$/)
    const error = {
      name: "AnchorError",
      exit: 5,
      message,
      hint: expect.stringMatching(/^make the directory, or mount/),
    }
    await expect(publishTo(anchor, log.at(8), log.prove)).rejects.toMatchObject(error)
    await expect(anchor.publish(log.at(8))).rejects.toMatchObject(error)
    expect(existsSync(missing)).toBe(false)
  })

  it("passes over a file that a dying writer left, and takes a later checkpoint", async () => {
    const { directory, anchor } = place()
    await publishTo(anchor, log.at(8), log.prove)
    const { note } = log.at(9)
    for (const cut of [0, 5, note.indexOf("\n\n") + 1, note.length - 1]) {
      writeFileSync(join(directory, file(9)), note.slice(0, cut))
      expect(
        (await anchor.read(ORIGIN)).map(({ size }) => size),
        String(cut),
      ).toEqual([8])
      expect(
        (await anchor.read(ORIGIN, true)).map(({ size }) => size),
        String(cut),
      ).toEqual([8])
    }
    await expect(anchor.publish(log.at(9))).rejects.toMatchObject({
      message: expect.stringContaining("unfinished file"),
    })
    expect(await publishTo(anchor, log.at(10), log.prove)).toMatchObject({ published: true, before: 8 })
  })

  it("is not believed where files were changed, renamed or replaced", async () => {
    const changes: [(directory: string) => void, object][] = [
      [(d) => writeFileSync(join(d, file(9)), log.at(9).note.replace("\n9\n", "\n09\n")), { name: "NoteError" }],
      [(d) => writeFileSync(join(d, file(9)), log.at(8).note), { name: "NoteError" }],
      [(d) => renameSync(join(d, file(8)), join(d, file(9))), { name: "NoteError" }],
      [(d) => mkdirSync(join(d, file(9))), { name: "AnchorError" }],
      [(d) => symlinkSync("/dev/zero", join(d, file(9))), { name: "AnchorError" }],
      [(d) => writeFileSync(join(d, file(9)), "x".repeat(200_000)), { name: "AnchorError" }],
    ]
    for (const [change, error] of changes) {
      const { directory, anchor } = place()
      await publishTo(anchor, log.at(8), log.prove)
      change(directory)
      await expect(publishTo(anchor, log.at(10), log.prove)).rejects.toMatchObject(error)
      expect(existsSync(join(directory, file(10)))).toBe(false)
    }
  })

  it("ignores files of others", async () => {
    const { directory, anchor } = place()
    writeFileSync(join(directory, "README"), "checkpoints")
    writeFileSync(join(directory, `${file(9)}.bak`), "x")
    writeFileSync(join(directory, "0123abcd4567ef89-9.checkpoint"), "x")
    expect(await anchor.read(ORIGIN)).toEqual([])
  })
})
