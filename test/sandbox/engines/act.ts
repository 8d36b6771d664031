// Asks an engine as the user that runs this, for tests that are root: its name, one of its methods and the argument as JSON.
import { processContext } from "../../../src/context.ts"
import { openEngines } from "../../../src/sandbox/engines/index.ts"

const [name, method, argument] = process.argv.slice(2)
const engine = openEngines(processContext()).find((one) => one.name === name)
const act = engine?.[method as "launch"] as ((value: unknown) => Promise<unknown>) | undefined
if (act === undefined) throw new Error("no such engine or method")
const answer = await act(JSON.parse(argument ?? "null") ?? undefined)
// Bytes of a launch's descriptors as text.
process.stdout.write(JSON.stringify(answer ?? null, (_, value) => (value instanceof Uint8Array ? bytes(value) : value)))

function bytes(value: Uint8Array): string {
  return Buffer.from(value).toString("base64")
}
