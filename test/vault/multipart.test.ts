import { spawnSync } from "node:child_process"
import busboy from "@fastify/busboy"
import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { injectCredential } from "../../src/vault/inject.ts"
import { boundaryOf, findMultipartPlace } from "../../src/vault/multipart-place.ts"
import type { OutgoingRequest } from "../../src/vault/outgoing.ts"

const PLACEHOLDER = "ng0123456789abcdef0123456789"
const VALUE = "s3cret-value"
const slot = { in: "body", part: "token" } as const

async function formOf(fields: readonly (readonly [string, string | Blob])[]): Promise<{ type: string; body: Buffer }> {
  const form = new FormData()
  for (const [name, value] of fields) form.append(name, value as string)
  const made = new Response(form)
  return { type: made.headers.get("content-type")!, body: Buffer.from(await made.arrayBuffer()) }
}

const requestOf = (type: string, body: Buffer): OutgoingRequest => ({
  ...{ method: "POST", path: "/", body },
  headers: ["content-type", type, "content-length", String(body.length)],
})

const inject = (type: string, body: Buffer, value = VALUE) =>
  injectCredential(requestOf(type, body), { slot }, value, PLACEHOLDER)

/** What another reader makes of it. */
function readForm(type: string, body: Buffer): Promise<[string, string][]> {
  return new Promise((resolve, reject) => {
    const reader = new busboy.Busboy({ headers: { "content-type": type } })
    const fields: [string, string][] = []
    reader.on("field", (name, value) => fields.push([name, value]))
    reader.on("file", (name, stream) => {
      const chunks: Buffer[] = []
      stream.on("data", (chunk: Buffer) => chunks.push(chunk))
      stream.on("end", () => fields.push([name, `file ${Buffer.concat(chunks).toString("latin1")}`]))
    })
    reader.on("finish", () => resolve(fields)).on("error", reject)
    reader.end(body)
  })
}

const raw = (...lines: string[]) => Buffer.from(lines.join("\r\n"), "latin1")
const TYPE = "multipart/form-data; boundary=b0"
const named = (more = "") => `Content-Disposition: form-data; name="token"${more}`
const plain = (value = PLACEHOLDER) => ["--b0", named(), "", value]

describe("the slot of a multipart form", () => {
  test("is the whole value of one field: the rest stays as it was, and the length is made anew", async () => {
    const file = new Blob([Buffer.from([0, 255, 13, 10, 45, 45, 128])])
    const { type, body } = await formOf([
      ["a", "ä"],
      ["token", PLACEHOLDER],
      ["f", file],
      ["b", PLACEHOLDER],
    ])
    const done = inject(type, body)
    if ("refused" in done) throw new Error(done.refused)
    expect(done.slot).toBe("placeholder")
    const read = await readForm(type, done.request.body!)
    expect(read.sort()).toEqual([
      ...[
        ["a", "ä"],
        ["b", PLACEHOLDER],
        ["f", "file \u0000ÿ\r\n--\u0080"],
        ["token", VALUE],
      ],
    ])
    expect(done.request.headers).toContain(String(done.request.body!.length))
    expect(done.secrets).toEqual([{ value: VALUE, replacement: PLACEHOLDER }])
  })

  test("is filled where it is empty, and left alone where it has a value, or is not there", async () => {
    const slotOf = async (...fields: [string, string][]) => {
      const { type, body } = await formOf(fields)
      const done = inject(type, body)
      return "slot" in done ? done.slot : done.refused
    }
    expect(await slotOf(["token", ""])).toBe("empty")
    expect(await slotOf(["token", "mine"])).toBe("own")
    expect(await slotOf(["token", `x${PLACEHOLDER}`])).toBe("own")
    expect(await slotOf(["other", PLACEHOLDER])).toBe("absent")
    expect(inject("application/json", Buffer.from("{}"))).toMatchObject({ slot: "absent" })
  })

  test.each<[string, string, Buffer]>([
    ["a name that comes twice", TYPE, raw(...plain(), ...plain("x"), "--b0--", "")],
    ["a name in another case", TYPE, raw(...plain(), "--b0", named().replace("token", "Token"), "", "x", "--b0--")],
    ["a list of that name", TYPE, raw(...plain(), "--b0", named().replace("token", "token[]"), "", "x", "--b0--")],
    ["something before the first delimiter", TYPE, raw("hello", ...plain(), "--b0--")],
    ["an empty line before it", TYPE, raw("", ...plain(), "--b0--")],
    ["something behind the last", TYPE, raw(...plain(), "--b0--", "more")],
    ["no end", TYPE, raw(...plain())],
    ["a delimiter with spaces behind it", TYPE, raw("--b0 ", named(), "", PLACEHOLDER, "--b0--")],
    ["a longer delimiter", TYPE, raw(...plain(), "--b01", named(), "", "x", "--b0--")],
    ["a delimiter behind a line feed", TYPE, raw("--b0", named(), "", `${PLACEHOLDER}\n--b0--`, "--b0--")],
    ["a delimiter within a value", TYPE, raw(...plain(`x--b0x`), "--b0--")],
    ["a delimiter within a head", TYPE, raw("--b0", named('; filename="--b0"'), "", "x", ...plain(), "--b0--")],
    ["a value that is a file", TYPE, raw("--b0", named('; filename="a"'), "", PLACEHOLDER, "--b0--")],
    ["a transfer encoding", TYPE, raw("--b0", named(), "Content-Transfer-Encoding: base64", "", "eA==", "--b0--")],
    [
      "one of another part",
      TYPE,
      raw(
        ...plain(),
        "--b0",
        'Content-Disposition: form-data; name="a"',
        "Content-Transfer-Encoding: quoted-printable",
        "",
        "x",
        "--b0--",
      ),
    ],
    ["another type", TYPE, raw("--b0", named(), "Content-Type: text/plain; charset=utf-16", "", "x", "--b0--")],
    ["a folded line", TYPE, raw("--b0", "Content-Disposition: form-data;", ' name="token"', "", PLACEHOLDER, "--b0--")],
    ["a name without quotes", TYPE, raw("--b0", "Content-Disposition: form-data; name=token", "", "x", "--b0--")],
    [
      "an escaped name",
      TYPE,
      raw(...plain(), "--b0", 'Content-Disposition: form-data; name="t\\oken"', "", "x", "--b0--"),
    ],
    ["two names", TYPE, raw("--b0", named('; name="a"'), "", "x", "--b0--")],
    ["an extended name", TYPE, raw("--b0", named("; name*=utf-8''a"), "", "x", "--b0--")],
    ["two dispositions", TYPE, raw("--b0", named(), named(), "", "x", "--b0--")],
    [
      "a charset for all",
      TYPE,
      raw(...plain(), "--b0", 'Content-Disposition: form-data; name="_charset_"', "", "utf-7", "--b0--"),
    ],
    ["a boundary twice", `${TYPE}; boundary=b1`, raw(...plain(), "--b0--")],
    ["no boundary", "multipart/form-data", raw(...plain(), "--b0--")],
    ["another multipart", "multipart/mixed; boundary=b0", raw(...plain(), "--b0--")],
  ])("refuses what two readers could read in two ways: %s", (_, type, body) => {
    expect(inject(type, body)).toEqual({ refused: "body.ambiguous" })
  })

  test("refuses two content types, a coding, and a value that would be a delimiter", () => {
    const body = raw(...plain(), "--b0--")
    const twice = { ...requestOf(TYPE, body), headers: ["content-type", TYPE, "content-type", TYPE] }
    expect(injectCredential(twice, { slot }, VALUE, PLACEHOLDER)).toEqual({ refused: "body.ambiguous" })
    const coded = { ...requestOf(TYPE, body), headers: ["content-type", TYPE, "content-encoding", "gzip"] }
    expect(injectCredential(coded, { slot }, VALUE, PLACEHOLDER)).toEqual({ refused: "body.encoded" })
    for (const value of ["a--b0b", "a\r\nb", "a\nb"])
      expect(inject(TYPE, body, value)).toEqual({ refused: "value.unfit" })
  })
})

const names = fc.constantFrom("token", "a", "b c", "tok", "tokens", "ä", "token ")
const values = fc.oneof(
  fc.string(),
  fc.constantFrom("", PLACEHOLDER, "\r\n", "--", "\r\n--b0", `${PLACEHOLDER}\r\n`, "--b0\r\n\r\n"),
)
const fields = fc.array(fc.tuple(names, values), { maxLength: 6 })

describe("what other encoders write", () => {
  test("as undici writes it: another reader sees the value in its field, and nothing else changed", async () => {
    await fc.assert(
      fc.asyncProperty(fields, async (all) => {
        const { type, body } = await formOf(all)
        const before = await readForm(type, body)
        const done = inject(type, body)
        if ("refused" in done) {
          const same = all.filter(([name]) => name.trim() === "token")
          expect([same.length > 1 || same.some(([name]) => name !== "token"), done.refused]).toEqual([
            true,
            "body.ambiguous",
          ])
          return
        }
        const isSlot = ([name, value]: [string, string]) => name === "token" && (value === "" || value === PLACEHOLDER)
        const wanted = before.map((pair): [string, string] => (isSlot(pair) ? ["token", VALUE] : pair))
        expect(await readForm(type, done.request.body ?? body)).toEqual(wanted)
      }),
      { numRuns: 200 },
    )
  })

  test("any bytes at all: refused, or another reader finds one field of that name with that value", async () => {
    const pieces = fc.constantFrom(
      ...["--b0", "--b0--", "\r\n", "\n", "\r\n\r\n", named(), named('; filename="x"'), PLACEHOLDER, "x", " ", "--"],
      ...[
        'Content-Disposition: form-data; name="a"',
        "Content-Transfer-Encoding: base64",
        "\r\n--b0\r\n",
        "\r\n--b0--",
      ],
    )
    let read = 0
    await fc.assert(
      fc.asyncProperty(fc.array(pieces, { maxLength: 14 }), fc.boolean(), async (parts, whole) => {
        const text = whole ? `--b0\r\n${named()}\r\n\r\n${parts.join("")}\r\n--b0--` : parts.join("")
        const body = Buffer.from(text)
        const place = findMultipartPlace(body, "b0", "token")
        if (place === undefined || place === "ambiguous") return
        read++
        const all = await readForm(TYPE, body)
        expect(all.filter(([name]) => name === "token")).toEqual([["token", body.subarray(...place).toString()]])
      }),
      { numRuns: 2_000 },
    )
    expect(read).toBeGreaterThan(20)
  })

  test("as Python writes it", (t) => {
    const script = `
import sys, json
from urllib3.filepost import encode_multipart_formdata
body, kind = encode_multipart_formdata([("a", "1"), ("token", sys.argv[1]), ("f", ("x.bin", b"\\x00\\xff"))])
print(json.dumps([kind, body.hex()]))`
    const ran = spawnSync("python3", ["-c", script, PLACEHOLDER], { encoding: "utf8" })
    if (ran.stderr.includes("ModuleNotFoundError") || ran.error !== undefined) {
      const missing = "Python's urllib3 is missing: apt-get install python3-urllib3"
      if (process.env["NANOGUARD_REQUIRE_ENGINES"] === "1") throw new Error(missing)
      return t.skip(missing)
    }
    expect(ran.stderr).toBe("")
    const [type, hex] = JSON.parse(ran.stdout) as [string, string]
    const done = inject(type, Buffer.from(hex, "hex"))
    expect(done).toMatchObject({ slot: "placeholder" })
  })
})

test("boundaries are read as clients write them", () => {
  expect(boundaryOf('multipart/form-data; boundary="a:b"')).toBe("a:b")
  expect(boundaryOf("multipart/form-data;boundary=----WebKitFormBoundaryAbC")).toBe("----WebKitFormBoundaryAbC")
  expect(boundaryOf("Multipart/Form-Data; charset=utf-8; boundary=x")).toBeUndefined()
  expect(boundaryOf(`multipart/form-data; boundary=${"x".repeat(71)}`)).toBeUndefined()
})
