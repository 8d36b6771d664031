// Deciding over the control API: what a signature does there, and what nothing else does.

import { readFileSync } from "node:fs"
import { request as send } from "node:https"
import { createServer as createTcp } from "node:net"
import { join } from "node:path"
import { describe, expect, onTestFinished, type TestContext, test } from "vitest"
import { digestOf } from "../../../src/approvals/binding.ts"
import { canonicalText } from "../../../src/audit/sealing/canonical.ts"
import { listenRemote } from "../../../src/gateway/control/remote.ts"
import { newPerson, records } from "../../approvals/support.ts"
import { openssl } from "../../audit/openssl.ts"
import { NOW, temporaryDirectory } from "../../context.ts"
import { never } from "../hold/support.ts"
import { openControl, openFeed, signed } from "./support.ts"

const MAIL = "POST https://api.example.com/v1/mail"

describe("approvals over the control socket", () => {
  test("are listed, shown whole with what their digest is of, and decided by a signature", async (t) => {
    const { gate, ask, people } = await openControl(t)
    const item = await gate.held(MAIL, { body: "hello" })
    const settled = item.settled(never())
    const { approvals } = (await ask("GET /v1/approvals")).json() as { approvals: Record<string, unknown>[] }
    expect(approvals).toMatchObject([{ id: item.id, digest: item.digest, state: "pending", agreed: [], missing: 1 }])
    const whole = (await ask(`GET /v1/approvals/${item.id}`)).json()
    expect(digestOf(canonicalText(whole["binding"]))).toBe(item.digest)
    const body = await ask(`GET /v1/approvals/${item.id}/body`)
    expect([body.headers["content-type"], body.headers["x-content-type-options"]]).toEqual([
      "application/octet-stream",
      "nosniff",
    ])
    expect(body.bytes.toString()).toBe("hello")
    const decided = await ask(`POST /v1/approvals/${item.id}/decision`, await signed(item.digest, people[0]!))
    expect([decided.status, decided.json()]).toEqual([200, { state: "granted", missing: 0, seq: expect.any(Number) }])
    expect(await settled).toEqual({ state: "granted" })
    expect((await ask(`GET /v1/approvals/${item.id}`)).json()).toMatchObject({
      state: "granted",
      agreed: ["ana"],
      decisions: [{ by: "ana", counts: true }],
    })
    await gate.release(MAIL, { body: "hello", item })
    expect((await ask(`GET /v1/approvals/${item.id}/body`)).status).toBe(404)
    expect((await ask("GET /v1/approvals?state=consumed")).json()).toMatchObject({ approvals: [{ id: item.id }] })
  })

  test("are withdrawn, and what is not there is not found", async (t) => {
    const { gate, ask, store } = await openControl(t)
    const item = await gate.held(MAIL)
    const settled = item.settled(never())
    expect((await ask(`DELETE /v1/approvals/${item.id}`)).json()).toEqual({ cancelled: true })
    expect(await settled).toEqual({ state: "cancelled" })
    expect((await records(store)).at(-1)).toMatchObject({
      type: "approval.cancelled",
      outcome: "refused",
      approval: item.id,
    })
    const wrong = [
      `DELETE /v1/approvals/${item.id}`,
      ...["ap-aaaaaaaa", "ap-AAAAAAAA", "ap-aaaaaaa", "..", "%2e%2e", "ap-aaaaaaaa/", "ap-aaaaaaaa/body"].map(
        (id) => `GET /v1/approvals/${id}`,
      ),
      "POST /v1/approvals",
      `PUT /v1/approvals/${item.id}`,
    ]
    for (const line of wrong) expect((await ask(line)).status, line).toBe(404)
    expect((await ask("GET /v1/approvals?state=all")).status).toBe(400)
  })

  test("are told of as they happen, from any record on", async (t) => {
    const { gate, path, people, ask } = await openControl(t)
    const feed = await openFeed(path)
    const { id: start } = await feed.next()
    const item = await gate.held(MAIL)
    const requested = await feed.next()
    expect(requested).toMatchObject({
      event: "approval.requested",
      data: { approval: item.id, agent: "claude-1", subject: MAIL },
    })
    await ask(
      `POST /v1/approvals/${item.id}/decision`,
      await signed(item.digest, people[1]!, { answer: "deny", terms: {} }),
    )
    const denied = await feed.next()
    expect(denied).toMatchObject({ event: "approval.denied", data: { approval: item.id } })
    const again = await openFeed(path, { "last-event-id": start })
    expect([(await again.next()).event, await again.next(), await again.next()]).toEqual(["open", requested, denied])
    const late = await openFeed(path, { "last-event-id": denied.id })
    await late.next()
    await gate.held(MAIL, { body: "x" })
    expect((await late.next()).event).toBe("approval.requested")
  })
})

describe("an answer that is not signed as it should be", () => {
  test("does nothing", async (t) => {
    const { gate, ask, people, store } = await openControl(t)
    const item = await gate.held(MAIL)
    const other = await gate.held(MAIL, { body: "other" })
    const [ana, ben] = [people[0]!, people[1]!]
    const good = await signed(item.digest, ana)
    const at = `POST /v1/approvals/${item.id}/decision`
    const wrong: [string, unknown, number][] = [
      ["by a key that is not theirs", await signed(item.digest, newPerson("ana")), 409],
      ["by somebody else's name", { ...good, by: ben.name }, 409],
      ["by nobody", await signed(item.digest, newPerson("eve")), 409],
      ["by the agent", await signed(item.digest, newPerson("claude-1")), 409],
      ["about another request", await signed(other.digest, ana), 409],
      ["with another answer", { ...good, answer: "deny" }, 409],
      ["with other terms", { ...good, terms: { ...good.terms, covers: "alike" } }, 409],
      ["at another time", { ...good, time: NOW + 1 }, 409],
      ["before it was asked", await signed(item.digest, ana, { time: NOW - 1 }), 409],
      ["in the future", await signed(item.digest, ana, { time: NOW + 600_000 }), 409],
      ["without an end", await signed(item.digest, ana, { terms: { scope: "run" } }), 400],
      ["for ever", await signed(item.digest, ana, { terms: { expires: NOW + 400 * 86_400_000 } }), 400],
      ["for no use", await signed(item.digest, ana, { terms: { expires: NOW + 1000, uses: 0 } }), 400],
      ["with an end that is a text", { ...good, terms: { ...good.terms, expires: "9999999999999" } }, 400],
      ["with terms that nobody knows", { ...good, terms: { ...good.terms, everything: true } }, 400],
      ["with a member more", { ...good, admin: true }, 400],
      ["with a member less", { ...good, signature: undefined }, 400],
      ["with no signature", { ...good, signature: "ed25519:" }, 400],
      ["with a prototype", JSON.stringify(good).replace("{", '{"__proto__":{"by":"ana"},'), 400],
      ["as a list", [good], 400],
      ["as garbage", "{", 400],
      ["as nothing", undefined, 400],
      ["too large", `{"answer":"${"x".repeat(1_100_000)}"}`, 413],
    ]
    for (const [how, body, status] of wrong) {
      const answer = await ask(at, body)
      expect([how, answer.status]).toEqual([how, status])
      expect(answer.json(), how).toHaveProperty("error")
    }
    expect(await store.db.selectFrom("decisions").selectAll().execute()).toEqual([])
    expect((await ask(at, good)).status).toBe(200)
    // The same again, and by somebody else: it is decided.
    expect((await ask(at, good)).status).toBe(409)
    expect((await ask(at, await signed(item.digest, ben))).status).toBe(409)
  })
})

describe("over TCP", () => {
  test("there is TLS and a token, and nothing that needs more trust than a signature", async (t) => {
    const { controls, gate, people } = await openControl(t)
    const { key, cert } = await newCertificate(t)
    const token = "t".repeat(40)
    await expect(
      listenRemote({ host: "127.0.0.1", port: 0, tls: { key, cert }, token: "short" }, controls),
    ).rejects.toThrow("shorter than 32")
    const server = await listenRemote({ host: "127.0.0.1", port: 0, tls: { key, cert }, token }, controls)
    onTestFinished(() => {
      server.closeAllConnections()
      server.close()
    })
    const { port } = server.address() as { port: number }
    const ask = (line: string, authorization?: string, body?: unknown) =>
      new Promise<number>((resolve, reject) => {
        const [method, path] = line.split(" ") as [string, string]
        const headers = authorization === undefined ? {} : { authorization }
        const request = send(
          { host: "127.0.0.1", port, method, path, ca: cert, servername: "gate.example", headers, agent: false },
          (response) => {
            response.resume().on("end", () => resolve(response.statusCode ?? 0))
          },
        )
        request.on("error", reject)
        request.end(body === undefined ? undefined : JSON.stringify(body))
      })
    for (const wrong of [undefined, "Bearer x", `Basic ${token}`, `Bearer ${token.slice(1)}`, `Bearer ${token}x`])
      expect(await ask("GET /v1/approvals", wrong), String(wrong)).toBe(401)
    const bearer = `Bearer ${token}`
    expect(await ask("GET /v1/approvals", bearer)).toBe(200)
    for (const line of ["POST /v1/runs", "POST /v1/stop", "POST /v1/reload", "POST /v1/exceptions"])
      expect(await ask(line, bearer, {}), line).toBe(404)
    const item = await gate.held(MAIL)
    expect(
      await ask(`POST /v1/approvals/${item.id}/decision`, bearer, await signed(item.digest, newPerson("ana"))),
    ).toBe(409)
    expect(await ask(`POST /v1/approvals/${item.id}/decision`, bearer, await signed(item.digest, people[0]!))).toBe(200)
    const taken = createTcp()
    await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve))
    onTestFinished(() => void taken.close())
    const used = (taken.address() as { port: number }).port
    await expect(listenRemote({ host: "127.0.0.1", port: used, tls: { key, cert }, token }, controls)).rejects.toThrow(
      "EADDRINUSE",
    )
  })
})

async function newCertificate(t: TestContext): Promise<{ key: string; cert: string }> {
  const directory = temporaryDirectory()
  const made = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
  const named = ["-subj", "/CN=gate.example", "-addext", "subjectAltName=DNS:gate.example"]
  await openssl(t, directory, [...made, ...named, "-keyout", "key.pem", "-out", "cert.pem"])
  const read = (file: string) => readFileSync(join(directory, file), "utf8")
  return { key: read("key.pem"), cert: read("cert.pem") }
}
