// What a credential may say, and how people write it.
import { execFileSync, spawnSync } from "node:child_process"
import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { canonicalText } from "../../src/audit/sealing/canonical.ts"
import { checkDraft, type Draft, readCredential } from "../../src/vault/credential.ts"
import { formatSlot, formatSource, parseSlot, parseSource } from "../../src/vault/slot-text.ts"
import type { Credential, Slot, Source } from "../../src/vault/types.ts"
import { draft } from "./support.ts"

const whole: Credential = {
  ...draft({
    reach: { hosts: ["api.example.com", "**.example.org"], methods: ["GET"], paths: ["/v1/**"], agents: ["claude-1"] },
    slot: { in: "header", name: "x-api-key", prefix: "Token " },
    env: ["EXAMPLE_TOKEN"],
  }),
  ...{ version: 3, by: "ana@acme.example", time: 1 },
}

describe("a stored credential", () => {
  test("is read where it is canonical and all of it is sound", () => {
    expect(readCredential(canonicalText(whole))).toEqual(whole)
    const wrong = [
      { ...whole, more: 1 },
      { ...whole, version: 0 },
      { ...whole, version: 1.5 },
      { ...whole, by: "a\nb" },
      { ...whole, name: "a b" },
      { ...whole, time: -1 },
      { ...whole, canary: false },
      { ...whole, reach: { hosts: ["**"] } },
      { ...whole, reach: { hosts: Array.from({ length: 65 }, () => "api.example.com") } },
      { ...whole, slot: { in: "bearer", name: "x" } },
      { ...whole, slot: { in: "body" } },
      { ...whole, slot: { in: "body", pointer: "/a", field: "a" } },
      { ...whole, source: { from: "command", command: [] } },
      { ...whole, source: { from: "file", path: "relative" } },
      { ...whole, source: { from: "1password", reference: "--help" } },
      { ...whole, source: { from: "login", login: "other" } },
    ]
    for (const one of wrong) expect(readCredential(canonicalText(one)), JSON.stringify(one)).toBeUndefined()
    expect(readCredential(JSON.stringify(whole, null, 1))).toBeUndefined()
    expect(readCredential(`${canonicalText(whole)} `)).toBeUndefined()
    expect(readCredential(canonicalText({ ...whole, shape: "x".repeat(40_000) }))).toBeUndefined()
  })

  test("of any other form is none, and never makes the reader fail", () => {
    const text = canonicalText(whole)
    const changed = fc
      .tuple(fc.nat(text.length), fc.nat(8), fc.string({ unit: "binary" }))
      .map(([at, gone, put]) => text.slice(0, at) + put + text.slice(at + gone))
    fc.assert(
      fc.property(fc.oneof(changed, fc.json()), (other) => {
        const found = readCredential(other)
        if (found) expect(canonicalText(found)).toBe(other)
      }),
      { numRuns: 2000 },
    )
  })

  test("takes a wildcard below amazonaws.com only where nothing but a signature leaves", () => {
    const reach = { hosts: ["**.amazonaws.com"] }
    expect(checkDraft(draft({ reach, slot: { in: "aws" } }))).toBeUndefined()
    expect(checkDraft(draft({ reach }))).toContain("anybody can have a host")
    const fine = [
      "api.example.com",
      "*.example.com",
      "**.example.co.uk",
      "co.uk",
      "10.0.0.1",
      "[::1]",
      "bücher.example",
    ]
    for (const host of fine) expect(checkDraft(draft({ reach: { hosts: [host] } })), host).toBeUndefined()
    const bad = [
      "*.com",
      "**.uk",
      "*.com.au",
      "**.or.jp",
      "*.workers.dev",
      "*.localhost",
      "*",
      "",
      " ",
      "*.*.example.com",
      "a/b",
    ]
    for (const host of bad) expect(checkDraft(draft({ reach: { hosts: [host] } })), host).toContain("wants")
  })

  test("is refused without a word of what it was given", () => {
    const given = fc.string({
      minLength: 12,
      maxLength: 40,
      unit: fc.constantFrom(..."ABCDEFGHJKLMNPQRSTUVWXYZ\u0001 "),
    })
    fc.assert(
      fc.property(given, (text) => {
        const drafts: Draft[] = [
          draft({ reach: { hosts: [`${text} x`] } }),
          draft({ reach: { hosts: ["api.example.com"], paths: [text] } }),
          draft({ slot: { in: "header", name: `${text} x` } }),
          draft({ source: { from: "file", path: text } }),
          draft({ shape: text }),
          draft({ name: ` ${text}` }),
        ]
        for (const one of drafts) {
          const wrong = checkDraft(one)
          expect(wrong).toBeDefined()
          expect(wrong).not.toContain(text)
        }
      }),
      { numRuns: 50 },
    )
  })
})

describe("slots and sources", () => {
  test.each([
    ["bearer", { in: "bearer" }],
    ["basic", { in: "basic" }],
    ["basic:app", { in: "basic", user: "app" }],
    ["header:x-api-key", { in: "header", name: "x-api-key" }],
    ["header:authorization:token ", { in: "header", name: "authorization", prefix: "token " }],
    ["query:key", { in: "query", name: "key" }],
    ["path", { in: "path" }],
    ["body:/auth/token", { in: "body", pointer: "/auth/token" }],
    ["form:client_secret", { in: "body", field: "client_secret" }],
    ["cookie:sid", { in: "cookie", name: "sid" }],
    ["aws", { in: "aws" }],
    ["aws:s3", { in: "aws", service: "s3" }],
    ["aws::eu-west-1", { in: "aws", region: "eu-west-1" }],
    ["aws:s3:eu-west-1", { in: "aws", service: "s3", region: "eu-west-1" }],
    [
      "oauth-client:https://login.example.com/token",
      { in: "oauth-client", tokenUrl: "https://login.example.com/token" },
    ],
  ] as [string, Slot][])("%s is read and written", (text, slot) => {
    expect(parseSlot(text)).toEqual(slot)
    expect(formatSlot(slot)).toBe(text)
    expect(checkDraft(draft({ slot }))).toBeUndefined()
  })

  test("name their source, and show of a command its program alone", () => {
    const read = (text: string) => parseSource(text, "/project")
    expect(read("env:TOKEN")).toEqual({ from: "env", name: "TOKEN" })
    expect(read("file:token.txt")).toEqual({ from: "file", path: "/project/token.txt" })
    expect(read("op://dev/a b/token")).toEqual({ from: "1password", reference: "op://dev/a b/token" })
    expect(read("pass:work/key")).toEqual({ from: "pass", entry: "work/key" })
    const command = read(`command:vault read -field=token "secret/a b"`)
    expect(command).toEqual({ from: "command", command: ["vault", "read", "-field=token", "secret/a b"] })
    expect(formatSource(command)).toBe("command:vault")
    for (const text of ["", "TOKEN", "value:x", "env:", "http://x", "command:"])
      expect(() => read(text), text).toThrow("names no source")
  })

  test("split a command's words as a shell does", (t) => {
    if (spawnSync("python3", ["--version"]).error) t.skip("python3 is missing: install it")
    const word = fc.string({ minLength: 1, maxLength: 12, unit: fc.constantFrom(..."ab $;|&*'\"\\-/\t") })
    const lines = fc.sample(
      fc.array(word, { minLength: 1, maxLength: 4 }).map((words) => words.join(" ")),
      400,
    )
    const script = `import json, shlex, sys
def split(text):
    try: return shlex.split(text)
    except ValueError: return None
print(json.dumps([split(text) for text in json.load(sys.stdin)]))`
    const theirs = JSON.parse(execFileSync("python3", ["-c", script], { input: JSON.stringify(lines) }).toString()) as (
      | string[]
      | null
    )[]
    const ours = lines.map((text) => {
      try {
        return wordsOf(parseSource(`command:x ${text}`, "/")).slice(1)
      } catch {
        return null
      }
    })
    // shlex knows two escapes within double quotes, a shell has two more.
    const same = lines.filter((text) => !/\\[$`]/.test(text))
    expect(same.length).toBeGreaterThan(100)
    for (const text of same) expect([text, ours[lines.indexOf(text)]]).toEqual([text, theirs[lines.indexOf(text)]])
  })
})

const wordsOf = (source: Source) => (source.from === "command" ? source.command : [])
