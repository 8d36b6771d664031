// `approve` without a terminal is a list; requests of the network in it, and by their id; and what the live queue fetches.

import { createHash } from "node:crypto"
import { mkdirSync } from "node:fs"
import { createServer } from "node:http"
import { dirname } from "node:path"
import { expect, test } from "vitest"
import { shortDigest } from "../../src/approvals/binding.ts"
import { fetchBody, proposeRule } from "../../src/commands/approve-fetch.ts"
import { approveLive } from "../../src/commands/approve-live.ts"
import { approveStats } from "../../src/commands/approve-stats.ts"
import { onlyFor } from "../../src/commands/only-for.ts"
import { EXIT } from "../../src/errors.ts"
import { controlPath } from "../../src/gateway/control-path.ts"
import { ask, newPerson } from "../approvals/support.ts"
import { NOW, testContext } from "../context.ts"
import { approvalOf, askedFor, charge } from "../render/card-sample.ts"
import { newDesk } from "./approvals.ts"

const signed = ["--passphrase-file", "pass.txt"]

test("a request of the network is listed, shown whole by its id, and let out once, within the hour", async () => {
  const { run, enrol, open } = newDesk()
  await enrol("ana")
  const store = await open()
  const { id } = await ask(store, askedFor(charge({ opening: "websocket" }), { reason: "please\u202e" }))
  const { digest } = await store.db.selectFrom("approvals").select("digest").executeTakeFirstOrThrow()
  const short = shortDigest(digest)
  expect((await run(["approve"])).out.split("\n")[0]).toBe(
    `${id}  ${short}  10m left  medium  network  network.ask  claude-1  POST https://api.example.com/v1/charges`,
  )
  const json = (await run(["approve", "--list", "--format", "json"])).json()
  expect(json).toMatchObject({
    approvals: [{ id, kind: "network", arguments: JSON.parse(JSON.stringify(charge({ opening: "websocket" }))) }],
  })

  const none = await run(["approve", id])
  expect([none.exit, none.err]).toEqual([EXIT.usage, expect.stringContaining("wants the digest")])
  const { out, exit } = await run(["approve", id, "--digest", short, ...signed])
  expect(out.split("\n")).toEqual([
    `request       ${id}, network, 10m left`,
    `digest        ${short}`,
    "subject       POST https://api.example.com/v1/charges",
    "agent         claude-1",
    "run           r1",
    "operator      olga",
    "will          charge customer cus_1, 49.00 usd",
    "sends         POST https://api.example.com/v1/charges",
    "beware        only the opening of a WebSocket is decided: messages after it are not seen",
    "form          amount: 4900",
    "              currency: usd",
    "              customer: cus_1",
    "              description: November",
    expect.stringContaining("body          61 bytes"),
    "provenance    first request of claude-1 to this host",
    "rule          charges: network.ask",
    "because       A rule of the policy asks about this request.",
    "operation     stripe:charges.create, a write",
    "credential    stripe-live goes onto it; the agent never had it",
    `policy        sha256:${"0".repeat(64)}`,
    "approvers     default: ana, ben, cy (1 person must agree)",
    'agent says    "please\\u{202e}"',
    "your yes      lets this request out until 2026-11-21T01:00:00.000Z, for 1 use, for run r1 of",
    "            | claude-1",
    `${id} is granted for the run until 2026-11-21T01:00:00.000Z, 1 use. Signed by ana, record 3.`,
    "",
  ])
  expect(exit).toBe(EXIT.ok)
})

test("the live queue wants a terminal", async () => {
  const ctx = testContext("/")
  await expect(approveLive(ctx)).rejects.toMatchObject({ exit: EXIT.usage, hint: expect.stringContaining("--digest") })
})

test("a signature is for the digest that was shown, and no other", async () => {
  const ana = newPerson("ana")
  const signer = onlyFor(ana, "sha256:aa")
  expect(await signer.sign("nanoguard-approval-v1\nsha256:aa\napprove\n{}\n1")).toMatch(/^ed25519:/)
  for (const message of ["nanoguard-approval-v1\nsha256:ab\napprove\n{}\n1", "sha256:aa", ""])
    await expect(signer.sign(message)).rejects.toMatchObject({ exit: EXIT.findings })
})

test("a body comes from the gate's socket, and is the one that was bound or is said to be another", async (t) => {
  const { env } = newDesk()
  const text = "amount=4900&note=\u202e"
  const body = {
    sha256: createHash("sha256").update(text).digest("hex"),
    size: Buffer.byteLength(text),
    type: "text/plain",
  }
  const approval = approvalOf(askedFor(charge({ body })))
  expect(await fetchBody({ env }, approval)).toEqual(["it cannot be shown: no gateway is running here"])
  let answer: [number, string] = [200, text]
  const asked: (string | undefined)[] = []
  const server = createServer((request, response) => {
    asked.push(request.url)
    response.writeHead(answer[0]).end(answer[1])
  })
  mkdirSync(dirname(controlPath({ env })), { recursive: true })
  await new Promise<void>((done) => server.listen(controlPath({ env }), done))
  t.onTestFinished(() => void server.close())
  expect(await fetchBody({ env }, approval)).toEqual([
    `${body.size} bytes of text/plain, as it was sent`,
    "amount=4900&note=\\u{202e}",
  ])
  answer = [200, "amount=1"]
  expect(await fetchBody({ env }, approval)).toEqual([expect.stringContaining("another body")])
  answer = [404, "{}"]
  expect(await fetchBody({ env }, approval)).toEqual([expect.stringContaining("does not have it")])
  answer = [409, JSON.stringify({ error: "the vault is locked\u001b[2J" })]
  expect(await fetchBody({ env }, approval)).toEqual(["it cannot be shown: the vault is locked\\u{1b}[2J"])
  expect(new Set(asked)).toEqual(new Set([`/v1/approvals/${approval.id}/body`]))
  expect(await fetchBody({ env }, approvalOf(askedFor({ ...charge(), body: undefined } as never)))).toEqual([
    "the request has none",
  ])
})

test("a line of policy is one for the request, and says which rule stands against it", () => {
  const lines = proposeRule(approvalOf())
  expect(lines[0]).toBe("network:")
  expect(lines[1]).toMatch(/^ {2}- \{ .*allow: api\.example\.com/)
  expect(lines.at(-1)).toContain("charges would have to make way for it")
  expect(proposeRule(approvalOf(askedFor(charge({ host: "169.254.169.254" }))))).toEqual([
    expect.stringContaining("no line"),
  ])
})

test("the figures are of the days that are asked about", async () => {
  const { env, cwd, enrol, open } = newDesk()
  await enrol("ana")
  await ask(await open(), askedFor())
  const ctx = testContext(cwd, { env, now: NOW + 1000 })
  expect((await approveStats(ctx)).exit).toBe(EXIT.ok)
  expect(ctx.out()).toMatch(/^1 request in 30 days[\s\S]*charges/)
  for (const days of ["0", "x", "99999", "-1"])
    await expect(approveStats(ctx, { days })).rejects.toMatchObject({ exit: EXIT.usage })
})
