// Attaches one launch to the streams of this process: `node attached.ts <JSON of Launch and options>`. Writes its process id and what it
// came to into files, if told.
import { writeFileSync } from "node:fs"
import { processContext } from "../../../src/context.ts"
import { attachLaunch } from "../../../src/sandbox/terminal/attach.ts"
import type { Launch } from "../../../src/sandbox/types.ts"

interface Given {
  launch: Launch
  tty: boolean
  timeout?: number
  grace?: number
  /** Milliseconds until it is aborted. */
  abort?: number
  /** Text of the descriptors. */
  descriptors?: string[]
  /** File for what it came to. */
  report?: string
  pauses?: boolean
  /** Letters of one more argument. */
  letters?: number
}

const { launch, tty, descriptors, abort, report, pauses, letters = 0, ...rest } = JSON.parse(process.argv[2]!) as Given
if (report !== undefined) writeFileSync(`${report}.pid`, `${process.pid}`)
const controller = new AbortController()
if (abort !== undefined) setTimeout(() => controller.abort(), abort)
const said: string[] = []
const ended = await attachLaunch(
  processContext(),
  {
    ...launch,
    args: letters === 0 ? launch.args : [...launch.args, "x".repeat(letters)],
    ...(descriptors && { descriptors: descriptors.map((text) => Buffer.from(text)) }),
  },
  {
    ...{ tty, signal: controller.signal, onNote: (note) => void said.push(note) },
    ...(pauses && { onPause: async () => void said.push("pause"), onResume: async () => void said.push("resume") }),
    ...rest,
  },
)
if (report !== undefined) writeFileSync(report, JSON.stringify({ ...ended, said }))
process.exitCode = ended.code
