// The line that would allow a refused request, with a real client: adopted, the same request arrives with its key.
import { expect, test } from "vitest"
import { lineForRefusal } from "../../../src/policy/grant-line.ts"
import type { NetworkAction } from "../../../src/policy/types.ts"
import { VALUE } from "../../vault/support.ts"
import { openEgressGate } from "./gate.ts"

test("a request with a placeholder, to a host in a private network, that no rule allows", async (t) => {
  const gate = await openEgressGate(t, {
    policy: (port) =>
      `network:\n  - { id: reads, allow: api.example.com, methods: [GET], ports: [${port}], addresses: [127.0.0.1] }\n`,
    origin: (request, response) => void response.end(`key ${request.headers.authorization}`),
  })
  await gate.set()
  await gate.vault.reload()
  const placeholder = gate.vault.placeholder("example", "run-1")
  const rules: string[] = []
  for (let round = 0; ; round++) {
    expect(round, rules.join("\n")).toBeLessThan(3)
    const ran = await gate.curl("-H", `authorization: Bearer ${placeholder}`, "-d", "a=1", `${gate.base}/v1/charges`)
    if (/\n200$/.test(ran.stdout)) break
    expect(ran.stdout, ran.stderr).toMatch(/\n403$/)
    const { action, verdict, evidence, detail } = (await gate.records()).at(-1)!
    const line = lineForRefusal(action as NetworkAction, verdict!, {
      credentials: (detail?.["credentials"] ?? []) as string[],
      addresses: evidence?.addresses ?? [],
      isTaken: (id) => rules.some((rule) => rule.includes(`id: ${id},`)),
    })
    expect(line, verdict?.code).toBeDefined()
    rules.push(line!)
    await gate.reload(`network:\n${rules.map((rule) => `  ${rule}\n`).join("")}`)
  }
  // Its address is known once it may be looked up: the first line cannot name it.
  expect(rules).toHaveLength(2)
  expect(gate.seen.at(-1)).toMatchObject({ method: "POST", headers: { authorization: `Bearer ${VALUE}` } })
})
