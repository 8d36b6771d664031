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

test("a box reaches the hosts that it has, by rules or without, and its child those that both have", async () => {
  const { open, ask } = await openSwarm()
  const narrow = await open({ agent: "narrow", scope: { hosts: ["one.example.com"] } })
  expect([await ask(narrow, "one"), await ask(narrow, "two")]).toEqual(["yes", "agent.scope"])
  const child = await open({ agent: "child", parent: narrow.run, scope: { hosts: ["*.example.com"] } })
  expect([await ask(child, "one"), await ask(child, "two")]).toEqual(["yes", "agent.scope"])
  const other = await open({ agent: "other", parent: narrow.run, scope: { hosts: ["two.example.com"] } })
  expect([await ask(other, "one"), await ask(other, "two")]).toEqual(["agent.scope", "agent.scope"])
})

test("an agent that may have some packages gets those alone, and is told why not the others", async () => {
  const upstream = await startNpmUpstream()
  for (const name of ["good", "better", "@acme/ui"]) upstream.publish(name, { "1.0.0": {} })
  const env = { NPM_CONFIG_REGISTRY: upstream.base }
  const { open } = await openTestBox({ policy: "version: 1\npackages: { unknown: allow }\n", env })
  const some = await open({ agent: "some", scope: { packages: ["pkg:npm/good", "pkg:npm/@acme/*"] } })
  const child = await open({ agent: "child", parent: some.run, scope: { packages: ["pkg:npm/g*"] } })
  const status = async (box: OpenedBox, path: string) => {
    const answer = await askBox(box)(`GET ${path}`)
    return answer.status === 200 ? 200 : `${answer.status} ${(answer.json()["verdict"] as { code: string }).code}`
  }
  for (const path of ["/npm/good", "/npm/good/-/good-1.0.0.tgz"])
    expect([await status(some, path), await status(child, path)]).toEqual([200, 200])
  expect([await status(some, "/npm/@acme%2fui"), await status(child, "/npm/@acme%2fui")]).toEqual([
    200,
    "403 agent.scope",
  ])
  for (const path of ["/npm/better", "/npm/better/-/better-1.0.0.tgz"])
    expect(await status(some, path)).toBe("403 agent.scope")
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
    { packages: ["left-pad"] },
    { packages: ["pkg:npm/left-pad@1.3.0"] },
    { packages: "pkg:npm/left-pad" },
    { hosts: "api.example.com" },
    { hosts: ["https://api.example.com"] },
    { hosts: ["a*.example.com"] },
    { hosts: Array.from({ length: 201 }, (_, i) => `h${i}.example.com`) },
    { budgets: [{ unit: "requests", limit: 1 }] },
    { budgets: [{ unit: "requests", limit: 1, window: "run", counter: "x" }] },
    { budgets: [{ unit: "requests", limit: -1, window: "run" }] },
    null,
    [],
  ])
    expect([scope, (await control("POST /v1/boxes", { ...BOX, scope })).status]).toEqual([scope, 400])
})
