import { createHash } from "node:crypto"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { classify, describeRequest } from "../../../src/gateway/services/index.ts"
import { formatAmount } from "../../../src/gateway/services/money.ts"
import { fitParts } from "../../../src/gateway/services/shown.ts"
import type { Described, SeenRequest } from "../../../src/gateway/services/types.ts"
import { json, request } from "./request.ts"

const show = async (seen: SeenRequest, service?: string): Promise<Described> =>
  describeRequest(seen, await classify(seen, service))
const words = async (seen: SeenRequest, service?: string) => {
  const { verb, resource, amount } = await show(seen, service)
  return `${verb} ${resource}${amount ? ` (${amount})` : ""}`
}
/** `title/name: value` of everything that is shown. */
const rows = ({ parts }: Described) =>
  parts.flatMap(({ title, values }) => values.map(({ name, value }) => `${title}/${name}: ${value}`))
const sha256 = (bytes: string | Buffer) => createHash("sha256").update(bytes).digest("hex")
const FORM = "application/x-www-form-urlencoded"

describe("words", () => {
  it.each([
    [json("PUT https://api.github.com/repos/acme/app/pulls/12/merge", {}), "merge pull request acme/app#12"],
    [json("POST https://api.github.com/repos/acme/app/issues/1/comments", {}), "create a comment on acme/app#1"],
    [request("DELETE https://api.github.com/repos/acme/app"), "delete repository acme/app"],
    [request("GET https://api.github.com/repos/acme/app"), "read repository acme/app"],
    [
      json("PUT https://gitlab.com/api/v4/projects/acme%2Fapp/merge_requests/3/merge", {}),
      "merge merge request acme/app!3",
    ],
    [json("POST https://slack.com/api/chat.postMessage", { channel: "C1", text: "hi" }), "post channel C1"],
    [
      request("POST https://api.stripe.com/v1/charges", {
        type: FORM,
        body: "amount=4900&currency=usd&source=tok_visa",
      }),
      "create charges (49.00 usd)",
    ],
    [
      request("POST https://api.stripe.com/v1/payment_intents/pi_1/confirm", { type: FORM, body: "amount=1&amount=2" }),
      "confirm payment intents pi_1",
    ],
    [request("PUT https://bucket.s3.amazonaws.com/a/b.txt", { body: "x" }), "put s3://bucket/a/b.txt"],
    [
      json(
        "POST https://dynamodb.eu-west-1.amazonaws.com/",
        { TableName: "t" },
        {
          authorization: "AWS4-HMAC-SHA256 Credential=AKIA/20130524/eu-west-1/dynamodb/aws4_request, Signature=0",
          "x-amz-target": "DynamoDB_20120810.DeleteItem",
        },
      ),
      "delete dynamodb in eu-west-1",
    ],
    [json("POST https://api.linear.app/graphql", { query: "{ viewer { id } }" }), "read viewer"],
    [request("GET wss://api.example.com/socket"), "open api.example.com/socket"],
    [json("POST https://gmail.googleapis.com/gmail/v1/users/me/messages/send", {}), "send an e-mail"],
    [json("POST https://api.example.com/v1/things", {}), "send to api.example.com/v1/things"],
    [
      json("POST https://api.linear.app/graphql", {
        query: "mutation { a: issueDelete(id: 1) { id } b: issueDelete(id: 2) { id } }",
      }),
      "mutation issueDelete (2 times)",
    ],
  ])("%#", async (seen, expected) => expect(await words(seen)).toBe(expected))

  it("says what a tool is called", async () => {
    const call = {
      jsonrpc: "2.0",
      id: 1,
      method: "tools/call",
      params: { name: "drop_table", arguments: { table: "users" } },
    }
    const described = await show(json("POST https://mcp.example.com/mcp", call), "mcp")
    expect(`${described.verb} ${described.resource}`).toBe("call tool drop_table")
    expect(rows(described)).toContain("arguments//table: users")
  })

  it("keeps a segment that could pass for other words as it was sent", async () => {
    const trick = request("DELETE https://api.github.com/repos/acme/app%20(approved)%0aby%20ana")
    expect(await words(trick)).toBe("delete repository acme/app%20(approved)%0aby%20ana")
  })

  it("writes amounts by their currency", () => {
    expect(formatAmount("5", "usd")).toBe("0.05 usd")
    expect(formatAmount("500", "JPY")).toBe("500 jpy")
    expect(formatAmount("5124", "kwd")).toBe("5.124 kwd")
    expect(formatAmount("-100", "eur")).toBe("-1.00 eur")
    expect(formatAmount("0012", "usd")).toBe("0.12 usd")
    for (const units of ["1.5", "1e3", "", "9".repeat(16), " 1"]) expect(formatAmount(units, "usd")).toBeUndefined()
    expect(formatAmount("5", "dollars")).toBeUndefined()
  })
})

describe("arguments", () => {
  it("flattens JSON to pointers", async () => {
    const body = { title: "T", labels: ["a", "b"], deep: { "a/b": null, on: true }, none: [] }
    const found = rows(await show(json("POST https://api.example.com/x?dry=1", body)))
    expect(found).toEqual(
      expect.arrayContaining([
        "JSON//title: T",
        "JSON//labels/0: a",
        "JSON//labels/1: b",
        "JSON//deep/a~1b: null",
        "JSON//deep/on: true",
        "JSON//none: []",
        "query/dry: 1",
      ]),
    )
  })

  it("cuts long values and names what was cut", async () => {
    const long = "x".repeat(100_000)
    const described = await show(json("POST https://api.example.com/x", { text: long, after: "still here" }))
    const [text, after] = described.parts[0]?.values ?? []
    expect(text?.cut).toEqual({ length: 100_000, sha256: sha256(long) })
    expect(after?.value).toBe("still here")
  })

  it("counts what does not fit", async () => {
    const many = Array.from({ length: 40 }, (_, index) => ({
      jsonrpc: "2.0",
      id: index,
      method: "tools/call",
      params: { name: "t".repeat(190), arguments: { a: "b".repeat(1500), c: 1 } },
    }))
    const described = await show(json("POST https://mcp.example.com/mcp", many))
    const counted = described.parts.reduce((sum, { values, more = 0 }) => sum + values.length + more, 0)
    // Method, tool and two arguments each; version and id of each; type and bytes.
    expect(counted).toBe(40 * 4 + 40 * 2 + 2)
    const part = (title: string) => ({
      title,
      values: [1, 2, 3].map((name) => ({ name: String(name), value: "v".repeat(50) })),
    })
    expect(fitParts([part("a"), part("b"), part("c")], 250)).toEqual([
      { title: "a", values: part("a").values.slice(0, 1), more: 2 },
      { title: "b", values: [], more: 3 },
      { title: "left out", values: [], more: 3 },
    ])
  })

  it("shows what cannot be read for certain as it was sent, and says so", async () => {
    const seen = request("POST https://api.example.com/x", { type: "application/json", body: '{"a":1,"a":2}' })
    expect(rows(await show(seen))).toContain('text/as sent: {"a":1,"a":2}')
    const { body: _, ...rest } = seen
    expect(rows(await show({ ...rest, unread: "too-large" }))).toContain("body/not read: too-large")
  })

  it("lists files with their size and hash", async () => {
    const form = new FormData()
    form.append("channels", "C1")
    form.append("file", new File(["hello"], "a.txt", { type: "text/plain" }))
    const sent = new Response(form)
    const seen = request("POST https://api.example.com/upload", {
      type: sent.headers.get("content-type") ?? "",
      body: Buffer.from(await sent.arrayBuffer()),
    })
    expect(rows(await show(seen))).toEqual(
      expect.arrayContaining([
        "form/channels: C1",
        `form/file: file a.txt, text/plain, 5 bytes, sha256 ${sha256("hello")}`,
      ]),
    )
  })

  it("decodes JSON within a form, as Slack takes blocks", async () => {
    const blocks = JSON.stringify([{ type: "section", text: { type: "mrkdwn", text: "Hello *you*" } }])
    const body = new URLSearchParams({ channel: "C1", text: "a; b", blocks }).toString()
    const found = rows(await show(request("POST https://slack.com/api/chat.postMessage", { type: FORM, body })))
    expect(found).toEqual(
      expect.arrayContaining(["form/channel: C1", "form/text: a; b", "JSON in the form//0/text/text: Hello *you*"]),
    )
  })

  it("shows a GraphQL operation, its variables, and what else is in the body", async () => {
    const query = "mutation M($id: String!) { issueDelete(id: $id) { success } }"
    const seen = json("POST https://api.linear.app/graphql", { query, variables: { id: "i-1" }, extra: "x" })
    expect(rows(await show(seen))).toEqual(
      expect.arrayContaining([
        "GraphQL/type: mutation",
        "GraphQL/fields: issueDelete",
        "GraphQL/name: M",
        `GraphQL/document: ${query}`,
        "variables//id: i-1",
        "JSON//extra: x",
      ]),
    )
  })

  it("shows what npm publish sends", async () => {
    const tarball = Buffer.from("not really a tarball")
    const body = {
      _id: "@acme/app",
      name: "@acme/app",
      "dist-tags": { latest: "1.2.3" },
      versions: { "1.2.3": { name: "@acme/app", version: "1.2.3", scripts: { postinstall: "node x.js" } } },
      access: "public",
      _attachments: {
        "@acme/app-1.2.3.tgz": { content_type: "application/octet-stream", data: tarball.toString("base64") },
      },
    }
    const described = await show(json("PUT https://registry.example/@acme%2fapp", body), "npm")
    expect(`${described.verb} ${described.resource}`).toBe("publish package @acme/app")
    expect(rows(described)).toEqual(
      expect.arrayContaining([
        "publish/package: @acme/app",
        "publish/version: 1.2.3",
        "publish/script postinstall: node x.js",
        "publish/dist-tag latest: 1.2.3",
        `publish/@acme/app-1.2.3.tgz: 20 bytes, sha256 ${sha256(tarball)}`,
        "JSON//access: public",
      ]),
    )
  })
})

describe("e-mail", () => {
  const mail = [
    'From: "Ana" <ana@acme.example>',
    "To: Ben <ben@acme.example>, carl@other.example",
    "To: hidden@evil.example",
    "Bcc: dora@acme.example",
    "Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=",
    "MIME-Version: 1.0",
    'Content-Type: multipart/mixed; boundary="b"',
    "",
    "--b",
    "Content-Type: text/plain; charset=utf-8",
    "Content-Transfer-Encoding: base64",
    "",
    Buffer.from("Hello Ben").toString("base64"),
    "--b",
    'Content-Type: application/pdf; name="a.pdf"',
    'Content-Disposition: attachment; filename="a.pdf"',
    "Content-Transfer-Encoding: base64",
    "",
    Buffer.from("%PDF-1").toString("base64"),
    "--b--",
    "",
  ].join("\r\n")
  const expected = [
    "e-mail/From: ana@acme.example (Ana)",
    "e-mail/To: ben@acme.example (Ben), carl@other.example",
    "e-mail/To: hidden@evil.example",
    "e-mail/Bcc: dora@acme.example",
    "e-mail/Subject: Grüße",
    `attachments/a.pdf: application/pdf, 6 bytes, sha256 ${sha256("%PDF-1")}`,
  ]

  it("is shown as people read it: every recipient, the text, the files", async () => {
    const send = "POST https://gmail.googleapis.com/gmail/v1/users/me/messages/send"
    const raw = Buffer.from(mail).toString("base64url")
    const found = rows(await show(json(send, { raw, threadId: "t1" })))
    expect(found).toEqual(expect.arrayContaining([...expected, "JSON//threadId: t1"]))
    expect(found.find((row) => row.startsWith("text/text: Hello Ben"))).toBeDefined()
    expect(found.some((row) => row.startsWith("JSON//raw"))).toBe(false)
    const draft = rows(
      await show(json("POST https://gmail.googleapis.com/gmail/v1/users/me/drafts", { message: { raw } })),
    )
    expect(draft).toEqual(expect.arrayContaining(expected))
  })

  it("of too many lines is no e-mail: to take it apart would keep the gate from everything else", async () => {
    const upload = "POST https://gmail.googleapis.com/upload/gmail/v1/users/me/messages/send?uploadType=media"
    for (const line of ["\r\n", "\n", "\r"]) {
      const body = `To: a@b.example\r\n\r\n${line.repeat(20_000)}`
      const found = rows(await show(request(upload, { type: "message/rfc822", body })))
      expect(found.some((row) => row.startsWith("e-mail/"))).toBe(false)
    }
  })

  it("is read from its own content-type", async () => {
    const upload = "POST https://gmail.googleapis.com/upload/gmail/v1/users/me/messages/send?uploadType=media"
    expect(rows(await show(request(upload, { type: "message/rfc822", body: mail })))).toEqual(
      expect.arrayContaining(expected),
    )
  })
})

it("is bounded, the same every time, and never fails", async () => {
  const types = [
    "application/json",
    FORM,
    "multipart/form-data; boundary=b",
    "message/rfc822",
    "text/plain",
    "application/x-git-receive-pack-request",
  ]
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(
        fc.uint8Array({ maxLength: 3000 }).map((bytes) => Buffer.from(bytes)),
        fc.json({ maxDepth: 4 }).map((text) => Buffer.from(text)),
        fc
          .dictionary(fc.string(), fc.string({ minLength: 500, maxLength: 3000 }), { maxKeys: 40 })
          .map((value) => Buffer.from(JSON.stringify(value))),
      ),
      fc.constantFrom(...types),
      fc.constantFrom(
        "PUT https://api.github.com/repos/a/b/pulls/1/merge",
        "POST https://slack.com/api/chat.postMessage",
        "POST https://api.stripe.com/v1/charges",
        "POST https://x.example/%zz?a=%ff&b",
      ),
      async (body, type, line) => {
        const first = await show(request(line, { type, body }))
        const again = await show(request(line, { type, body }))
        expect(again).toEqual(first)
        expect(Buffer.byteLength(JSON.stringify(first))).toBeLessThanOrEqual(32 * 1024)
      },
    ),
    { numRuns: 60 },
  )
})

it("does not take long over what is made to take long", async () => {
  const parts = `From: a@acme.example\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n${"--b\r\n\r\nx\r\n".repeat(50_000)}`
  const found = rows(await show(request("POST https://api.example.com/mail", { type: "message/rfc822", body: parts })))
  // Shown as it is, as no parser was asked.
  expect(found.some((row) => row.startsWith("text/as sent: From: a@acme.example"))).toBe(true)
  const deep = {
    query: Array.from({ length: 30 }, (_, i) => `fragment F${i} on Q { ...F${i + 1} ...F${i + 1} }`).join(" "),
  }
  const query = `{ ...F0 } ${deep.query} fragment F30 on Q { a }`
  expect((await classify(json("POST https://api.linear.app/graphql", { query }))).unread).toBe("ambiguous")
})
