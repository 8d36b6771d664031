// Digests, ids, and what a person types of them; and who is asked.
import { createHash } from "node:crypto"
import canonicalize from "canonicalize"
import fc from "fast-check"
import { describe, expect, test } from "vitest"
import {
  APPROVAL_ID,
  bindRequest,
  digestOf,
  idOf,
  matchesDigest,
  readBinding,
  shortDigest,
  topicOf,
} from "../../src/approvals/binding.ts"
import { exceptionQuestion, packageQuestion } from "../../src/approvals/packages.ts"
import { mayDecide, panelOf } from "../../src/approvals/panel.ts"
import { canonicalText } from "../../src/audit/sealing/canonical.ts"
import { loadPolicy } from "../../src/policy/load.ts"
import { NOW } from "../context.ts"
import { ask as decideText, FINE } from "../policy/support.ts"
import { PURL, question } from "./support.ts"

const BASE32 = "abcdefghijklmnopqrstuvwxyz234567"

describe("a binding", () => {
  test("has the digest of its canonical text, and an id of the digest's first 40 bits", () => {
    const binding = bindRequest(question(), NOW)
    const digest = digestOf(canonicalText(binding))
    const hash = createHash("sha256").update(canonicalize(binding)!).digest()
    expect(digest).toBe(`sha256:${hash.toString("hex")}`)
    const bits = [...hash.subarray(0, 5)].map((byte) => byte.toString(2).padStart(8, "0")).join("")
    const id = bits
      .match(/.{5}/g)!
      .map((five) => BASE32[Number.parseInt(five, 2)])
      .join("")
    expect(idOf(digest)).toBe(`ap-${id}`)
    expect(idOf(digest)).toMatch(APPROVAL_ID)
    expect(readBinding(idOf(digest), digest, canonicalText(binding))).toEqual(binding)
  })

  test("is not read where anything of it was changed", () => {
    const text = canonicalText(bindRequest(question(), NOW))
    const digest = digestOf(text)
    const id = idOf(digest)
    expect(readBinding(id, digest, text.replace("esbuild", "esbuilt"))).toBeUndefined()
    expect(readBinding(id, digestOf("other"), text)).toBeUndefined()
    expect(readBinding("ap-aaaaaaaa", digest, text)).toBeUndefined()
    expect(readBinding(idOf(digestOf("{")), digestOf("{"), "{")).toBeUndefined()
  })

  test("is not read where its members are of another kind than they can be", () => {
    const binding = bindRequest(question(), NOW)
    const names = ["agent", "operator", "run", "policyHash"]
    const odd = names.flatMap((name) => [5, null, [], {}, "", "x".repeat(513)].map((value) => ({ [name]: value })))
    for (const more of [...odd, { requested: 8.64e15 + 1 }, { expires: 8.64e15 + 1 }, { subject: "" }, { kind: 1 }]) {
      const text = canonicalText({ ...binding, ...more })
      expect([more, readBinding(idOf(digestOf(text)), digestOf(text), text)]).toEqual([more, undefined])
    }
  })

  test("is another one each time, and the same question all the same", () => {
    const [one, two] = [bindRequest(question(), NOW), bindRequest(question(), NOW)]
    expect(digestOf(canonicalText(one))).not.toBe(digestOf(canonicalText(two)))
    expect(topicOf(question())).toBe(topicOf(question(PURL, undefined, { reason: "please", wait: 1, boxed: false })))
    for (const more of [{ subject: "x" }, { kind: "exception" }, { run: "r2" }, { operator: "x" }, { policyHash: "x" }])
      expect(topicOf(question(PURL, undefined, more))).not.toBe(topicOf(question()))
  })

  test("has the agent's words as one clean line of bounded length", () => {
    const reason = `\u202eplease\n\x1b[2K  digest  0000 ${"x".repeat(10_000)}`
    const binding = bindRequest(question(PURL, undefined, { reason }), NOW)
    expect(binding.reason).toMatch(/^[\x20-\x7e]{1,400}$/)
    const polite = bindRequest(question(PURL, undefined, { reason: "für den Bau nötig" }), NOW)
    expect(polite.reason).toBe("für den Bau nötig")
  })
})

describe("a digest as people type it", () => {
  test("is any beginning of at least eight digits", () => {
    const digest = digestOf("x")
    const hex = digest.slice(7)
    for (const typed of [
      digest,
      hex,
      hex.slice(0, 8),
      hex.slice(0, 8).toUpperCase(),
      shortDigest(digest),
      `sha256:${hex.slice(0, 12)}`,
    ])
      expect(matchesDigest(typed, digest)).toBe(true)
    for (const typed of ["", hex.slice(0, 7), `${hex.slice(0, 7)}g`, `${hex}0`, hex.slice(1, 9), "sha256:", "--------"])
      expect(matchesDigest(typed, digest)).toBe(false)
    expect(shortDigest(digest)).toBe(hex.slice(0, 16).match(/.{4}/g)!.join("-"))
  })

  test("is no other text's", () => {
    fc.assert(
      fc.property(fc.string(), (typed) => {
        const digest = digestOf("x")
        if (matchesDigest(typed, digest))
          expect(digest.slice(7)).toContain(
            typed
              .toLowerCase()
              .replace(/^sha256:/, "")
              .replaceAll("-", ""),
          )
      }),
    )
  })
})

describe("who is asked", () => {
  const panel = (approvers: string, group: string) =>
    panelOf(loadPolicy(`version: 1\n${approvers}`, "nanoguard.yaml"), group)
  const two = "approvers: { ops: { people: [ben, ana], quorum: 2, expire: 1h }, sec: { people: [cy] } }"

  test.each([
    ["the group that the rule names", two, "ops", ["ana", "ben"], 2, 3_600_000],
    ["nobody, where there is no such group", two, "none", [], 1, 900_000],
    ["everybody of all groups, where the rule names none", two, "", ["ana", "ben", "cy"], 2, 900_000],
    [
      "the only group there is",
      "approvers: { ops: { people: [ana, ana], quorum: 1, expire: 1h } }",
      "",
      ["ana"],
      1,
      3_600_000,
    ],
    [
      "the group called default",
      `${two.slice(0, -1)}, default: { people: [dan], expire: 2h } }`,
      "",
      ["dan"],
      1,
      7_200_000,
    ],
    ["anyone who is enrolled, where there are no groups", "", "", "anyone", 1, 900_000],
    ["nobody, where a group is named and there are none", "", "ops", [], 1, 900_000],
  ] as const)("%s", (_, policy, group, people, quorum, wait) => {
    expect(panel(policy, group)).toEqual({ panel: { group, people, quorum }, wait })
  })

  test("decides", () => {
    expect(mayDecide({ group: "", people: "anyone", quorum: 1 }, "x", { agent: "a" })).toBe(true)
    expect(mayDecide({ group: "", people: ["ana"], quorum: 1 }, "x", { agent: "a" })).toBe(false)
  })
})

describe("a question about a package", () => {
  test("names what the same people are asked by several rules, and leaves the rest for later", () => {
    expect(question().arguments).toEqual({ purl: PURL, codes: ["script.unapproved"] })
    const named = question("pkg:npm/better-sqlite3@12.0.0")
    expect(named).toMatchObject({ approvers: { group: "two" }, arguments: { codes: ["package.approval"] } })
  })

  test("names the facts that were missing", () => {
    const policy = "packages: { ask: { score: 40 }, unknown: ask }"
    const verdict = decideText(policy, PURL, { facts: { ...FINE, score: undefined } as never })
    expect(verdict).toMatchObject({ effect: "ask", code: "evidence.missing" })
    const asked = packageQuestion(
      { agent: "a" },
      { policy: loadPolicy(`version: 1\n${policy}`, "p"), verdict, purl: PURL },
    )
    expect(asked.arguments).toMatchObject({ codes: ["evidence.missing"], missing: ["score"] })
  })

  test("for an exception names the one code that decided, and the advisories behind it", () => {
    const policy = loadPolicy("version: 1\npackages: { deny: { severity: high } }", "nanoguard.yaml")
    const advisory = { id: "GHSA-x", aliases: [], kind: "vulnerability", severity: "high", fixed: [] } as const
    const verdict = decideText("packages: { deny: { severity: high } }", PURL, {
      facts: { ...FINE, advisories: [advisory] },
    })
    const asked = exceptionQuestion(
      { agent: "a" },
      { policy, verdict, purl: PURL, integrity: "sha512-x", reason: "not reachable" },
    )
    expect(asked).toMatchObject({
      ...{ kind: "exception", subject: PURL, reason: "not reachable", wait: 7 * 86_400_000 },
      arguments: { codes: ["vulnerability.severity"], advisories: ["GHSA-x"], integrity: "sha512-x" },
    })
  })
})
