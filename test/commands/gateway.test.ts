// Mistakes at `gateway start`: each says what to give instead.
import { generateKeyPairSync } from "node:crypto"
import { expect, it } from "vitest"
import { gatewayStart } from "../../src/commands/gateway.ts"
import { EXIT } from "../../src/errors.ts"
import { temporaryDirectory, testContext } from "../context.ts"

const key = generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" }).toString()

it.each([
  [{ tlsKey: "key.pem" }, "--tls-key and --tls-cert belong together"],
  [{ tlsKey: "nothing.pem", tlsCert: "key.pem" }, "the file cannot be read"],
  [{ tlsKey: "text", tlsCert: "text" }, "the file cannot be used for TLS"],
  [{ tlsKey: "key.pem", tlsCert: "key.pem" }, "the file cannot be used for TLS"],
  [{ port: "70000" }, "--port wants a number from 0 to 65535"],
  [{ wait: "60" }, "--wait wants seconds from 0 to 10"],
  [{ stale: "soon" }, "that is no duration"],
  [{ origin: "gate.acme.example" }, "--origin wants an address such as https://gate.acme.example"],
])("%j: %s", async (options, message) => {
  const ctx = testContext(temporaryDirectory({ "key.pem": key, text: "no key" }))
  await expect(gatewayStart(ctx, options)).rejects.toMatchObject({ message, exit: EXIT.usage })
})
