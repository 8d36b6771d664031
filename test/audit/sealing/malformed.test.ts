// Bodies that nobody sealed, written by somebody who may add to the log, and properly hashed and signed.
import { expect, test } from "vitest"
import { temporaryDirectory } from "../../context.ts"
import { exportLines } from "../export/export-support.ts"
import { verify, writeBodies } from "../verify-log.ts"

const RECORD =
  '{"gateway":"g","kind":"kill","subject":"s","time":"2026-11-01T00:00:00.000Z","type":"kill.ordered","v":1}'

test.for(["", "null", "[]", "\ufeff{}", '{"v":2}', '{"v":1,"x":NaN}'])(
  "%j is named, and ends no command with a stack",
  async (body) => {
    const log = await writeBodies(temporaryDirectory(), [RECORD, body, RECORD], [], [3])
    const { problems } = await verify(log)
    expect(problems).toMatchObject([{ code: "record.malformed", seq: 2 }])
    await expect(exportLines(log)).rejects.toMatchObject({ name: "NanoguardError", exit: 1, message: /record 2 / })
    expect(await exportLines(log, { from: 3 })).toHaveLength(3)
  },
)
