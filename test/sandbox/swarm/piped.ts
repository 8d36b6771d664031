// Two agents of a swarm print without end on this process's stdout; says on stderr what they came to: `node piped.ts | head`.
import { processContext } from "../../../src/context.ts"
import { prefixLines } from "../../../src/sandbox/swarm/output.ts"
import { attachLaunch } from "../../../src/sandbox/terminal/attach.ts"

const ctx = processContext()
// As the command line has it: a reader that has seen enough is no error of this process.
ctx.stdout.on("error", () => {})
const run = async (name: string) => {
  const stdout = prefixLines(ctx.stdout, `${name} | `)
  const options = { tty: false, input: "ignore" as const, signal: new AbortController().signal }
  const { code } = await attachLaunch({ ...ctx, stdout, stderr: stdout }, { file: "yes", args: [] }, options)
  stdout.end()
  return code
}
const codes = await Promise.all([run("a"), run("b")])
process.stderr.write(codes.join(" "))
