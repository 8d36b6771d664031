// Boxes whose rights are narrower than the policy, and their children's narrower still.
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { expect, onTestFinished, test } from "vitest"
import type { AskedScope, OpenedBox } from "../../../src/gateway/boxes/types.ts"
import { startNpmUpstream } from "../gate.ts"
import { askBox, BOX, openTestBox } from "./box.ts"

async function openSwarm(scope?: AskedScope) {
  const origin = createServer((_, response) => void response.end("yes"))
  await new Promise<void>((resolve) => origin.listen(0, "127.0.0.1", resolve))
  onTestFinished(() => void origin.close())
  const { port } = origin.address() as AddressInfo
  const place = `ports: [${port}], addresses: [127.0.0.1]`
  const policy = `version: 1
network:
  - { id: one, allow: one.example.com, ${place} }
  - { id: two, allow: two.example.com, ${place} }
`
  const egress = { resolve: async () => ["127.0.0.1"] }
  const opened = await openTestBox({ policy, egress }, scope && { scope })
  const ask = async (box: OpenedBox, host: string) => {
    const answer = await askBox(box)(`GET http://${host}.example.com:${port}/`, undefined, {
      host: `${host}.example.com:${port}`,
    })
    return answer.status === 200 ? "yes" : String((answer.json()["verdict"] as { code: string }).code)
  }
  return { ...opened, ask }
}

test("a box reaches by the rules that it has, and its child by those that both have", async () => {
  const { box, open, ask } = await openSwarm()
  expect([await ask(box, "one"), await ask(box, "two")]).toEqual(["yes", "yes"])
  const narrow = await open({ agent: "narrow", scope: { rules: ["one"] } })
  expect([await ask(narrow, "one"), await ask(narrow, "two")]).toEqual(["yes", "agent.scope"])
  // What it asks for beyond its parent it does not get.
  const child = await open({ agent: "child", parent: narrow.run, scope: { rules: ["two"] } })
  expect([await ask(child, "one"), await ask(child, "two")]).toEqual(["agent.scope", "agent.scope"])
  const heir = await open({ agent: "heir", parent: narrow.run })
  expect([await ask(heir, "one"), await ask(heir, "two")]).toEqual(["yes", "agent.scope"])
})

test("what a child uses of its parent's budget counts for both", async () => {
  const { box, open, ask } = await openSwarm({ budgets: [{ unit: "requests", limit: 3, window: "run" }] })
  const child = await open({ agent: "child", parent: box.run })
  expect([await ask(box, "one"), await ask(child, "one"), await ask(child, "two")]).toEqual(["yes", "yes", "yes"])
  expect([await ask(box, "one"), await ask(child, "one")]).toEqual(["agent.budget", "agent.budget"])
  // Another run of the same agent has a window of its own.
  expect(await ask(await open({ scope: { budgets: [{ unit: "requests", limit: 3, window: "run" }] } }), "one")).toBe(
    "yes",
  )
})

test("an agent that may have no packages gets none", async () => {
  const upstream = await startNpmUpstream()
  upstream.publish("good", { "1.0.0": {} })
  const env = { NPM_CONFIG_REGISTRY: upstream.base }
  const policy = "version: 1\npackages: { unknown: allow }\n"
  const { box, open } = await openTestBox({ policy, env })
  expect((await askBox(box)("GET /npm/good")).status).toBe(200)
  const none = askBox(await open({ agent: "reader", scope: { packages: false } }))
  for (const path of ["/npm/good", "/npm/good/-/good-1.0.0.tgz"]) {
    const answer = await none(`GET ${path}`)
    expect([answer.status, answer.json()["verdict"]]).toMatchObject([403, { code: "agent.scope" }])
  }
})

test("rights that are misspelt open nothing", async () => {
  const { control } = await openTestBox()
  for (const scope of [
    { rule: ["one"] },
    { rules: "one" },
    { rules: [1] },
    { packages: true },
    { budgets: [{ unit: "requests", limit: 1 }] },
    { budgets: [{ unit: "requests", limit: 1, window: "run", counter: "x" }] },
    { budgets: [{ unit: "requests", limit: -1, window: "run" }] },
    null,
    [],
  ])
    expect([scope, (await control("POST /v1/boxes", { ...BOX, scope })).status]).toEqual([scope, 400])
})
