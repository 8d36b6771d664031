import { expect, test } from "vitest"
import { VALUE } from "../../vault/support.ts"
import { certificateFile } from "./clients.ts"
import { openEgressGate } from "./gate.ts"
import { HOST } from "./proxy.ts"

const policy = (port: number) => `
network:
  - { id: up, allow: ${HOST}, ports: [${port}], addresses: [127.0.0.1] }
credentials: [{ id: keys, allow: "*", hosts: [${HOST}], ports: [${port}] }]
`

test("a key goes into its field of what curl uploads, with a length or in chunks, and nowhere else", async (t) => {
  const gate = await openEgressGate(t, { policy })
  await gate.set({ slot: { in: "body", part: "token" } })
  await gate.vault.reload()
  const placeholder = gate.vault.placeholder("example", "run-1")
  const large = certificateFile("x".repeat(200_000))
  const form = ["-F", `token=${placeholder}`, "-F", `file=@${large}`]
  for (const more of [[], ["-H", "Transfer-Encoding: chunked"]]) {
    const { stdout } = await gate.curl(...form, ...more, `${gate.base}/up`)
    expect(stdout).toBe("ok\n200")
  }
  expect(gate.seen).toHaveLength(2)
  for (const { body, headers } of gate.seen) {
    expect(body).toContain(`name="token"\r\n\r\n${VALUE}\r\n--`)
    expect(body).toContain("x".repeat(200_000))
    expect(headers["content-length"]).toBe(String(Buffer.byteLength(body)))
  }
  const twice = await gate.curl(...form, "-F", "token=mine", `${gate.base}/up`)
  expect(twice.stdout).toMatch(/body\.ambiguous[\s\S]*400$/)
  const elsewhere = await gate.curl("-F", `other=${placeholder}`, `${gate.base}/up`, "-F", "token=")
  expect(elsewhere.stdout).toBe("ok\n200")
  // What stands in another field stays what it is: worth nothing.
  expect(gate.seen.at(-1)?.body).toContain(`name="other"\r\n\r\n${placeholder}\r\n`)
  expect(gate.seen.at(-1)?.body).toContain(`name="token"\r\n\r\n${VALUE}\r\n`)
})
