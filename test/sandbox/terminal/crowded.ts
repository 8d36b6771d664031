// Starts boxes while this process can open hardly any file more, and says what each came to: `node crowded.ts`, under a low `ulimit -n`.
import { closeSync, openSync } from "node:fs"
import { setTimeout as sleep } from "node:timers/promises"
import { processContext } from "../../../src/context.ts"
import { attachLaunch } from "../../../src/sandbox/terminal/attach.ts"

const ctx = processContext()
const options = { tty: false, input: "ignore" as const, signal: new AbortController().signal }
const launch = { file: "/bin/true", args: [], descriptors: [Buffer.from("a"), Buffer.from("b")] }
const open: number[] = []
const fill = () => {
  try {
    for (;;) open.push(openSync("/dev/null", "r"))
  } catch {
    // As many as there may be.
  }
}
const said: string[] = []
// At each place of the launch that wants a descriptor there is none.
for (let free = 0; free < 4; free++) {
  fill()
  for (const fd of open.splice(0, free)) closeSync(fd)
  const error: unknown = await attachLaunch(ctx, launch, options).catch((caught: unknown) => caught)
  const { message, cause } = error as Error & { cause?: NodeJS.ErrnoException }
  said.push(`${cause?.code} ${message?.split(": ")[1]}`)
  await sleep(50)
}
for (const fd of open) closeSync(fd)
process.stdout.write(`${[...said, "goes on"].join("\n")}\n`)
