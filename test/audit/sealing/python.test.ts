// scripts/verify-export.py shares no code with nanoguard: where both say the same of the same file, neither is wrong alone.
import { spawnSync } from "node:child_process"
import fc from "fast-check"
import { beforeEach, expect, test } from "vitest"
import { formatVerifier } from "../../../src/audit/checkpoints/note.ts"
import { canonicalText } from "../../../src/audit/sealing/canonical.ts"
import { checkHere, checkInPython, exportLines, hasPython, SCRIPT } from "../export/export-support.ts"
import { checkpointsOf, makeLog } from "../verify-log.ts"

beforeEach((ctx) => {
  if (!hasPython()) ctx.skip("python3 is missing: install Python 3.9 or newer")
})

test("both accept an export that nobody touched", async () => {
  const log = await makeLog(600, [1, 2, 255, 256, 257, 300, 511, 512, 600])
  const text = `${(await exportLines(log)).join("\n")}\n`
  const key = formatVerifier(log.signer)
  const notes = checkpointsOf(log).map(({ note }) => note)
  const python = checkInPython(text, key, notes)
  expect(python.output).toContain("accepted")
  expect(python.output).toContain("600 records 1..600")
  expect(python).toMatchObject({ accepted: true, status: 0 })
  expect(await checkHere(text, key, notes)).toMatchObject({ accepted: true, records: 600, unchecked: [] })
})

test("both accept ranges, selections and exports without people", async () => {
  const log = await makeLog(300, [100, 299])
  for (const options of [
    { from: 290 },
    { from: 100, to: 100 },
    { from: 300 },
    { people: false },
    { selection: { agent: "codex-2", since: "2026-11-01T00:00:50.000Z", until: "2026-11-01T00:02:30.000Z" } },
  ]) {
    const text = `${(await exportLines(log, options)).join("\n")}\n`
    const python = checkInPython(text)
    expect(python.output).toMatch(/^accepted/)
    expect(await checkHere(text)).toMatchObject({ accepted: true })
  }
})

test("writes JSON in the same canonical form", () => {
  const values = fc.sample(fc.jsonValue({ noUnicodeString: false, maxDepth: 4 }), 400)
  const numbers = fc.sample(fc.double({ noNaN: true, noDefaultInfinity: true }), 2000)
  const edges = [
    0,
    -0,
    1e21,
    1e20,
    123456789012345680000,
    1e-6,
    1e-7,
    5e-324,
    1.7976931348623157e308,
    2 ** 53,
    -1.5e-9,
    100,
    0.1,
  ]
  const order = { "\u{1f600}": 1, "\ufb33": 2, "\r": 3, "1": 4, "\u0080": 5, "": [] }
  const inputs = [order, ...values.filter((value) => JSON.stringify(value).isWellFormed()), ...numbers, ...edges]
  const code = `
import importlib.util, sys, json
spec = importlib.util.spec_from_file_location("verifier", sys.argv[1])
verifier = importlib.util.module_from_spec(spec)
spec.loader.exec_module(verifier)
for line in sys.stdin.buffer:
    value = json.loads(line.decode("utf-8"), parse_int=float)
    sys.stdout.buffer.write(verifier.canonical(value).encode("utf-8") + b"\\n")
`
  const input = inputs.map((value) => `${JSON.stringify(value)}\n`).join("")
  const run = spawnSync("python3", ["-c", code, SCRIPT], { input, maxBuffer: 1 << 28 })
  expect(run.stderr.toString()).toBe("")
  expect(run.stdout.toString()).toBe(inputs.map((value) => `${canonicalText(value)}\n`).join(""))
})

test("verifies Ed25519 as RFC 8032 does: its own test vectors", () => {
  // RFC 8032, section 7.1, tests 1 to 3: public key, message, signature.
  const vectors = [
    [
      "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
      "",
      "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ],
    [
      "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
      "72",
      "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ],
    [
      "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
      "af82",
      "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ],
  ] as const
  const code = `
import importlib.util, sys
spec = importlib.util.spec_from_file_location("verifier", sys.argv[1])
verifier = importlib.util.module_from_spec(spec)
spec.loader.exec_module(verifier)
for line in sys.stdin:
    key, message, signature = (bytes.fromhex(part) for part in line.rstrip("\\n").split(","))
    print(verifier.signature_holds(key, message, signature))
`
  const good = vectors.map((vector) => vector.join(","))
  const bad = vectors.flatMap(([key, message, signature]) => [
    [key, `${message}00`, signature].join(","),
    [key, message, signature.replace(/^./, (digit) => (digit === "0" ? "1" : "0"))].join(","),
    [key, message, signature.replace(/..$/, "ff")].join(","),
  ])
  const run = spawnSync("python3", ["-c", code, SCRIPT], { input: [...good, ...bad].join("\n"), encoding: "utf8" })
  expect(run.stderr).toBe("")
  expect(run.stdout.trim().split("\n")).toEqual([...good.map(() => "True"), ...bad.map(() => "False")])
})
