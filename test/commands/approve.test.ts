// `nanoguard approve` and `deny`: what a person sees, and what their answer does.
import { describe, expect, test } from "vitest"
import { shortDigest } from "../../src/approvals/binding.ts"
import { addApprover } from "../../src/approvals/enrol.ts"
import { activeGrants } from "../../src/approvals/grants.ts"
import { listApprovals } from "../../src/approvals/list.ts"
import { requestApproval } from "../../src/approvals/queue.ts"
import type { Asked } from "../../src/approvals/types.ts"
import { EXIT } from "../../src/errors.ts"
import { describeApproval, renderApprovals, renderCard } from "../../src/render/approvals.ts"
import { widthOf } from "../../src/render/terminal-width.ts"
import { ask, newPerson, POLICY, PURL, question, WHO } from "../approvals/support.ts"
import { NOW } from "../context.ts"
import { newDesk } from "./approvals.ts"

/** A desk with ana enrolled, and a request that waits. */
async function newWaiting(asked: Asked = question()) {
  const desk = newDesk()
  const ana = await desk.enrol("ana")
  const store = await desk.open()
  const { id } = await ask(store, asked)
  const { digest } = await store.db
    .selectFrom("approvals")
    .select("digest")
    .where("id", "=", id)
    .executeTakeFirstOrThrow()
  const signed = ["--passphrase-file", "pass.txt"]
  return { ...desk, store, ana, id, digest, short: shortDigest(digest), signed }
}

describe("approve --list", () => {
  test("shows what waits, one line each, and as JSON whole", async () => {
    const { run, id, short, digest } = await newWaiting()
    const { out, exit } = await run(["approve", "--list"])
    expect(exit).toBe(EXIT.ok)
    expect(out).toBe(
      `${id}  ${short}  15m left  medium  package  script.unapproved  claude-1  ${PURL}\n\nLook at one and decide: nanoguard approve <id>, nanoguard deny <id>\n`,
    )
    expect((await run(["approve", "--format", "json"])).json()).toMatchObject({
      ...{ schema: "nanoguard.approvals/1", state: "pending" },
      approvals: [
        { id, digest, subject: PURL, agent: "claude-1", run: "r1", operator: "olga", agreed: [], missing: 1 },
      ],
    })
    expect((await run(["approve", "--list", "--state", "granted"])).out).toBe("Nothing is granted.\n")
    expect((await run(["approve"], NOW + 3_600_000)).out).toBe("Nothing waits for a person.\n")
  })

  test("says where there is no record, and what does not go together", async () => {
    const { run } = newDesk()
    expect(await run(["approve", "--list"])).toMatchObject({ exit: EXIT.environment })
    expect(await run(["approve", "ap-aaaaaaaa", "--list"])).toMatchObject({ exit: EXIT.usage })
    expect(await run(["approve", "--digest", "12345678"])).toMatchObject({ exit: EXIT.usage })
  })
})

describe("approve <id>", () => {
  test("shows what is approved, signs it, and grants it for the run", async () => {
    const { run, store, id, short, signed } = await newWaiting(question(PURL, WHO, { reason: "needed for the build" }))
    const { out, exit } = await run([
      "approve",
      id,
      "--digest",
      short.slice(0, 9),
      "--reason",
      "known script",
      ...signed,
    ])
    expect(out.split("\n")).toEqual([
      `request       ${id}, package, 15m left`,
      `digest        ${short}`,
      `subject       ${PURL}`,
      "agent         claude-1",
      "run           r1",
      "operator      olga",
      "asks for      script.unapproved (install script)",
      `policy        ${POLICY.hash}`,
      "approvers     ana, ben, cy (1 person must agree)",
      'agent says    "needed for the build"',
      "your yes      lets this version in until 2026-11-21T12:00:00.000Z, for run r1 of claude-1",
      `${id} is granted for the run until 2026-11-21T12:00:00.000Z. Signed by ana, record 3.`,
      "",
    ])
    expect(exit).toBe(EXIT.ok)
    expect(await activeGrants(store.db, { policy: POLICY, ...WHO, now: NOW + 1 })).toMatchObject([
      { purl: PURL, by: ["ana"] },
    ])
    const again = await run(["approve", id, "--digest", short, ...signed])
    expect([again.exit, again.err]).toEqual([EXIT.findings, expect.stringContaining("decided already: it was granted")])
  })

  test("refuses another digest, one that is too short, and none", async () => {
    const { run, store, id, digest, signed } = await newWaiting()
    const hex = digest.slice(7)
    for (const wrong of [
      hex.slice(0, 7),
      digest.slice(0, 11),
      `${hex.slice(0, 15)}${hex[15] === "0" ? "1" : "0"}`,
      "deadbeef",
    ]) {
      const ran = await run(["approve", id, "--digest", wrong, ...signed])
      expect([ran.exit, ran.err]).toEqual([
        EXIT.usage,
        expect.stringContaining(`this is not the digest of ${id}: nothing was decided`),
      ])
      expect(ran.err).toContain("at least its first 8 digits are needed, such as 80fb-9386; `sha256:` does not count")
    }
    const none = await run(["approve", id, ...signed])
    expect([none.exit, none.err]).toEqual([
      EXIT.usage,
      expect.stringContaining("approve wants the digest of what was looked at"),
    ])
    for (const other of ["ap-aaaaaaaa", "812", "../x"])
      expect(await run(["approve", other, "--digest", hex])).toMatchObject({ exit: EXIT.usage })
    expect(await store.db.selectFrom("decisions").selectAll().execute()).toEqual([])
  })

  test("is for as long, as often and as widely as it says", async () => {
    const { run, id, digest, signed } = await newWaiting()
    const bounds = ["--expires", "2h", "--uses", "3", "--for", "agent"]
    for (const wrong of [
      ["--expires", "soon"],
      ["--uses", "0"],
      ["--expires", "9y"],
    ])
      expect(await run(["approve", id, "--digest", digest, ...wrong, ...signed])).toMatchObject({ exit: EXIT.usage })
    const ran = await run(["approve", id, "--digest", digest, ...bounds, ...signed, "--format", "json"])
    expect(ran.json()).toMatchObject({
      ...{ state: "granted", missing: 0, by: "ana" },
      terms: { scope: "agent", uses: 3, expires: "2026-11-21T02:00:00.000Z" },
    })
  })

  test("ends with 6 where it is too late, with 1 where it is not theirs", async () => {
    const { run, store, ana, id, digest, signed } = await newWaiting()
    const late = await run(["approve", id, "--digest", digest, ...signed], NOW + 3_600_000)
    expect([late.exit, late.err]).toEqual([
      EXIT.approvalTimeout,
      expect.stringContaining(`${id} expired at 2026-11-21T00:15:00.000Z`),
    ])
    await addApprover(store, newPerson("zoe"), ana, NOW, "test")
    const other = await run(["approve", id, "--digest", digest, "--as", "zoe"])
    // Nobody's key of that name is here: OpenSSH is asked for it.
    expect([other.exit, other.err]).toEqual([
      EXIT.findings,
      expect.stringMatching(/ssh-keygen did not sign for zoe|may not decide/),
    ])
  })
})

describe("deny <id>", () => {
  test("tells the agent why, and it stays denied", async () => {
    const { run, store, id, digest, signed } = await newWaiting()
    const ran = await run(["deny", id, "--digest", digest, "--reason", "use got", ...signed])
    expect([ran.exit, ran.out]).toEqual([EXIT.ok, expect.stringContaining(`${id} is denied. Signed by ana, record 3.`)])
    expect(await requestApproval(store, question(), NOW + 1, "gw")).toMatchObject({
      id,
      state: "denied",
      note: "use got",
    })
    const listed = await run(["approve", "--state", "denied", "--format", "json"])
    expect(listed.json()).toMatchObject({ approvals: [{ id, state: "denied" }] })
  })
})

describe("on a narrow terminal", () => {
  test("no line is wrapped, so that none begins with what an agent wrote", async () => {
    const wide = `${"\u754c".repeat(60)}ap-aaaaaaaa  digest 0000`
    const { run, store, id } = await newWaiting(question(PURL, WHO, { subject: wide, agent: wide, reason: wide }))
    for (const columns of [40, 60, 80]) {
      const [approval] = await listApprovals(store.db, NOW)
      const shown = describeApproval(approval!, new Map())
      const list = renderApprovals(
        { schema: "nanoguard.approvals/1", state: "pending", approvals: [shown] },
        "text",
        NOW,
        columns,
      )
      const lines = [...list.split("\n").slice(0, -3), ...renderCard(shown, NOW, columns).split("\n")]
      for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(columns)
      expect(lines.filter((line) => line.startsWith("ap-"))).toEqual([expect.stringMatching(`^${id} `)])
    }
    expect((await run(["approve", "--list"])).exit).toBe(EXIT.ok)
  })
})

describe("a card", () => {
  const hostile = `x\u001b[2J\u202e\r\n${"request       ap-aaaaaaaa, package, 9m left"}\u0007\u200b`
  const asked = (more: Partial<Asked>): Asked => question(PURL, WHO, more)

  test.each([
    ["a subject", asked({ subject: `${hostile}${"A".repeat(10_000)}` })],
    ["an agent's name", asked({ agent: hostile })],
    ["words", asked({ reason: `${hostile}${"\ndigest        0000-0000".repeat(400)}` })],
    [
      "arguments of a kind to come",
      asked({ kind: "request", arguments: { [hostile]: `${hostile}${"B".repeat(10_000)}` } }),
    ],
    ["a run", asked({ run: `${" ".repeat(300)}${hostile}` })],
  ])("is drawn by us, whatever stands in %s", async (_, question) => {
    const { run, id, short, digest } = await newWaiting(question)
    for (const args of [
      ["approve", "--list"],
      ["approve", id, "--digest", "00000000"],
    ]) {
      const { out } = await run(args)
      expect(out).toMatch(/^[\x20-\x7e\n]+$/)
      expect(out.length).toBeLessThan(4000)
      const lines = out.split("\n")
      // One line each that says which request this is, and which digest it has.
      expect(lines.filter((line) => /^(request\s|ap-)/.test(line))).toEqual([expect.stringContaining(id)])
      if (args.length > 2) expect(lines.filter((line) => line.startsWith("digest"))).toEqual([`digest        ${short}`])
      if (args.length > 2) for (const line of lines) expect(line.length).toBeLessThanOrEqual(100)
    }
    const json = await run(["approve", "--format", "json"])
    expect(json.out).toMatch(/^[\x20-\x7e\n]+$/)
    expect(json.json()).toMatchObject({ approvals: [{ digest }] })
  })
})
