// A process that answers requests as soon as it is told to, and says which of them it decided: `decided <id>` or `failed <id>`.
// Usage: node decider.ts <name> <private key: PKCS8 as base64> <now> <id...>; a line on stdin starts it.
import { createPrivateKey, sign } from "node:crypto"
import { once } from "node:events"
import { answerApproval } from "../../src/approvals/answer.ts"
import { processContext } from "../../src/context.ts"
import { openStore } from "../../src/store/open.ts"

const [name, pkcs8, time, ...ids] = process.argv.slice(2) as [string, string, string, ...string[]]
const key = createPrivateKey({ key: Buffer.from(pkcs8, "base64"), type: "pkcs8", format: "der" })
const signer = {
  name,
  sign: async (message: string) => `ed25519:${sign(null, Buffer.from(message), key).toString("base64")}`,
}
const now = Number(time)
const store = await openStore(processContext(), { gateway: name })
process.stdout.write("ready\n")
await once(process.stdin, "data")
for (const id of ids) {
  const terms = { scope: "run" as const, expires: now + 3_600_000 }
  const done = answerApproval(store, id, { answer: "approve", terms }, signer, now, name)
  process.stdout.write(
    await done.then(
      () => `decided ${id}\n`,
      () => `failed ${id}\n`,
    ),
  )
}
await store.close()
process.stdin.destroy()
