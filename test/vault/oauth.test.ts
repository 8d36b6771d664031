import { describe, expect, test } from "vitest"
import { createTokenSource, type TokenFetch } from "../../src/vault/oauth.ts"

const slot = { in: "oauth-client" as const, tokenUrl: "https://id.example.com/token", scope: "read write" }
const client = { name: "crm", version: 1, slot }
const VALUE = "id with space:se:cret+%"

function server(answers: readonly (string | Error | number)[]) {
  const asked: { url: string; init: Parameters<TokenFetch>[1] }[] = []
  const time = { now: 1_000_000 }
  const fetch: TokenFetch = async (url, init) => {
    const answer = answers[Math.min(asked.length, answers.length - 1)]!
    asked.push({ url, init })
    if (answer instanceof Error) throw answer
    return typeof answer === "number" ? new Response("no", { status: answer }) : new Response(answer)
  }
  return { asked, time, source: createTokenSource({ fetch, now: () => time.now }) }
}

describe("createTokenSource", () => {
  test("asks as RFC 6749 says, once for all who want it, and again a minute before it expires", async () => {
    const { asked, time, source } = server(['{"access_token":"one","expires_in":600}', '{"access_token":"two"}'])
    const both = await Promise.all([source.token(client, VALUE), source.token(client, VALUE)])
    expect([both, asked.length]).toEqual([["one", "one"], 1])
    const { url, init } = asked[0]!
    expect([url, init.method, init.redirect]).toEqual([slot.tokenUrl, "POST", "error"])
    expect(init.body).toBe("grant_type=client_credentials&scope=read+write")
    const pair = Buffer.from(init.headers["authorization"]!.slice(6), "base64").toString()
    expect(pair).toBe("id+with+space:se%3Acret%2B%25")
    time.now += 539_999
    expect(await source.token(client, VALUE)).toBe("one")
    time.now += 1
    expect(await source.token(client, VALUE)).toBe("two")
    // Nothing said of it: five minutes.
    time.now += 240_000
    await source.token(client, VALUE)
    expect(asked.length).toBe(3)
  })

  test("a new version, a new scope, one that was refused: a new token", async () => {
    const { asked, source } = server(['{"access_token":"one","expires_in":600}'])
    await source.token(client, VALUE)
    await source.token({ ...client, version: 2 }, VALUE)
    await source.token({ ...client, version: 2, slot: { ...slot, scope: "x" } }, VALUE)
    source.forget("crm")
    await source.token({ ...client, version: 2, slot: { ...slot, scope: "x" } }, VALUE)
    expect(asked.length).toBe(4)
  })

  test.each<[string, string | Error | number]>([
    ["refused", 401],
    ["away", new Error(`connect failed for ${VALUE}`)],
    ["no JSON", "<html>"],
    ["no token", '{"token_type":"bearer"}'],
    ["no text", '{"access_token":7}'],
    ["a header of its own", JSON.stringify({ access_token: "a\r\nx-a: b" })],
    ["endless", `{"access_token":"one","x":"${"x".repeat(70_000)}"}`],
  ])("S3: %s: says so without any value, and asks again next time", async (_, answer) => {
    const { asked, source } = server([answer])
    const error = await source.token(client, VALUE).catch((thrown: Error) => thrown)
    expect(error).toMatchObject({ name: "NanoguardError", exit: 5 })
    expect(JSON.stringify([(error as Error).message, (error as Error).cause])).not.toMatch(/cret|Bas/)
    await source.token(client, VALUE).catch(() => undefined)
    expect(asked.length).toBe(2)
  })

  test("never over plain HTTP", async () => {
    const { asked, source } = server(['{"access_token":"one"}'])
    await expect(
      source.token({ ...client, slot: { ...slot, tokenUrl: "http://id.example.com/" } }, VALUE),
    ).rejects.toThrow("no client")
    await expect(source.token(client, "novalue")).rejects.toThrow("no client")
    expect(asked).toEqual([])
  })
})
