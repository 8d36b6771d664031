// The end of a run that goes wrong: the box is over, and what its agent did is there for the next look, whatever the error.
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { expect, test } from "vitest"
import { boxDirectory } from "../../src/sandbox/box-directory.ts"
import { finishRun } from "../../src/sandbox/finish-run.ts"
import { openKept } from "../../src/sandbox/kept.ts"
import { NeighbourBusy } from "../../src/sandbox/neighbours/busy.ts"
import { sweepBoxes } from "../../src/sandbox/sweep.ts"
import { createRunUndo } from "../../src/sandbox/undo-run.ts"
import { emptyHome, testContext } from "../context.ts"
import { deadOwner, keepBox, processEngine, runId } from "./process-engine.ts"
import { makeRepository, open } from "./workspace/make.ts"

const RUN = runId(1)

/** A run whose agent has changed a file of its copy, and whose box is gone. */
async function ended() {
  const root = makeRepository()
  const ctx = testContext(root, { env: emptyHome() })
  const directory = boxDirectory(ctx, RUN)
  // As it is once the process that had it is gone.
  keepBox(ctx, RUN, "codex", { owner: await deadOwner(), leftovers: [{ kind: "workspace", path: directory }] })
  const { workspace } = await open(root, { ctx, mode: "copy", run: RUN, directory })
  writeFileSync(join(directory, "tree/a.txt"), "the agent's\n")
  const undo = createRunUndo(ctx, RUN, undefined)
  undo.push((keep) => keep || undo.isLeft || workspace.discard())
  const finish = (own = workspace, look?: { close: () => void }) =>
    finishRun(
      ctx,
      { engine: processEngine(), opened: { run: RUN }, look } as unknown as Parameters<typeof finishRun>[1],
      { workspace: own, removeBox: async () => {} },
      { outcome: { exit: 0, ended: "itself" }, by: undefined, lost: () => false, said: () => "" },
      undo,
    )
  return { ctx, root, directory, workspace, undo, finish }
}

test("an error at the end of a run leaves the agent's work, says where, and the next look finds it", async () => {
  const { ctx, root, directory, undo, finish } = await ended()
  // Stands for a disk that is full: what was found cannot be written down.
  mkdirSync(join(directory, "workspace.json.new"))
  const error = await finish().catch((error: unknown) => error)
  expect(error).toMatchObject({
    message: expect.stringContaining(`stays in ${directory}`),
    hint: expect.stringContaining(`nanoguard ps, then nanoguard run --review ${RUN}`),
  })
  await undo.close()
  expect(readFileSync(join(directory, "tree/a.txt"), "utf8")).toBe("the agent's\n")

  // As long as it cannot be written, it stays.
  expect(await sweepBoxes(ctx, [processEngine()])).toMatchObject([{ problems: [expect.stringContaining("EISDIR")] }])
  rmdirSync(join(directory, "workspace.json.new"))
  const [swept] = await sweepBoxes(ctx, [processEngine()])
  expect(swept).toMatchObject({ problems: [], kept: [expect.stringContaining("waits for your review")] })
  const kept = openKept(ctx, RUN)
  expect(await kept.apply(await kept.finish())).toMatchObject({ applied: ["a.txt"] })
  expect(readFileSync(join(root, "a.txt"), "utf8")).toBe("the agent's\n")
  await kept.close()
  expect(existsSync(directory)).toBe(false)
})

test("so does an error after the work was looked at, and another box in the way", async () => {
  const late = await ended()
  const look = {
    close: () => {
      throw new Error("ENOSPC")
    },
  }
  await expect(late.finish(late.workspace, look)).rejects.toThrow("the end of the box failed (ENOSPC)")
  await late.undo.close()
  expect(existsSync(join(late.directory, "tree/a.txt"))).toBe(true)

  const busy = await ended()
  const finish = () => Promise.reject(new NeighbourBusy("another works there", "end it"))
  const error = await busy.finish({ ...busy.workspace, finish }).catch((error: unknown) => error)
  expect(error).toBeInstanceOf(NeighbourBusy)
  expect(error).toMatchObject({ hint: "end it; then: nanoguard ps" })
  await busy.undo.close()
  expect(existsSync(join(busy.directory, "tree/a.txt"))).toBe(true)
})

test("a run that ended well leaves nothing of what was not kept", async () => {
  const { directory, finish } = await ended()
  const outcome = await finish()
  expect(outcome.report.review).toBe(true)
  await outcome.close()
  expect(existsSync(directory)).toBe(false)
})
