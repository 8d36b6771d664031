// Where no file can be opened no box of processes counts as gone, ended or standing still.
import { fileURLToPath } from "node:url"
import { expect, test } from "vitest"
import { processContext } from "../../../src/context.ts"
import { temporaryDirectory } from "../../context.ts"

const CROWDED = fileURLToPath(new URL("crowded.ts", import.meta.url))

test.runIf(process.platform === "linux")(
  "what cannot be read of a box ends no list, freeze or kill as done",
  async () => {
    const words = ["-c", 'ulimit -n 64; exec "$0" "$1" "$2"', process.execPath, CROWDED, temporaryDirectory()]
    const { exitCode, stdout, stderr } = await processContext().exec("/bin/sh", words, { timeout: 20_000 })
    expect([exitCode, stderr]).toEqual([0, ""])
    expect(stdout.trim().split("\n")).toEqual([
      "begins",
      "list: EMFILE",
      "freeze: EMFILE",
      "kill: EMFILE",
      "remove: EMFILE",
      "stop the processes: EMFILE",
      "are they stopped: EMFILE",
      "kill the processes: EMFILE",
      "kill the group: EMFILE",
    ])
  },
)
