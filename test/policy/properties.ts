import fc from "fast-check"
import { describe, expect, it } from "vitest"
import type { CompiledPolicy } from "../../src/policy/compiled.ts"
import { decide } from "../../src/policy/decide.ts"
import { loadLayers } from "../../src/policy/load.ts"
import type { Action, PackageFacts, Verdict } from "../../src/policy/types.ts"
import { actions, facts, type PolicyData, policyData } from "./arbitraries.ts"
import { NOW } from "./support.ts"

const RANK = { allow: 0, ask: 1, deny: 2 }
/** How much a verdict holds back in fact: what is only observed holds back nothing. */
const strength = ({ effect, mode }: Verdict) => (mode === "observe" ? 0 : RANK[effect])
// JSON is YAML.
const load = (...layers: (PolicyData | object)[]): CompiledPolicy =>
  loadLayers(layers.map((data, index) => ({ text: JSON.stringify(data), file: `${index}.yaml` })))
const judge = (policy: CompiledPolicy, action: Action, known: PackageFacts) =>
  decide(policy, action, { now: NOW, facts: known })
const id = (rule: string) => rule.replace(/ \(.*$/, "").replace(/\[\d+\]$/, "")
const comparable = ({ rule, also, excepted, ...rest }: Verdict) => ({
  ...rest,
  rule: id(rule),
  also: also?.map((item) => ({ ...item, rule: id(item.rule) })),
  excepted: excepted?.map(({ code }) => code).sort(),
})
let factor = 1
const check = (runs: number, property: fc.IRawProperty<unknown>) =>
  fc.assert(property, { numRuns: Math.ceil(runs * factor) })

/** Declares the properties of the law; `scale` multiplies how many cases each tries. */
export function describeProperties(scale: number): void {
  factor = scale
  describe("for every policy, action and evidence", () => {
    it("the order of rules changes nothing", () => {
      check(
        1500,
        fc.property(
          policyData("r"),
          fc.array(fc.tuple(actions, facts), { minLength: 4, maxLength: 4 }),
          (data, cases) => {
            const reversed = {
              ...data,
              network: data.network.toReversed(),
              mcp: data.mcp.toReversed(),
              packages: {
                ...data.packages,
                rules: data.packages.rules.toReversed(),
                exceptions: data.packages.exceptions.toReversed(),
              },
            }
            const [one, other] = [load(data), load(reversed)]
            for (const [action, known] of cases) {
              const [a, b] = [comparable(judge(one, action, known)), comparable(judge(other, action, known))]
              expect({ ...b, policyHash: "" }).toEqual({ ...a, policyHash: "" })
            }
          },
        ),
      )
    })

    it("adding a deny never loosens anything", () => {
      check(
        1500,
        fc.property(policyData("r"), policyData("s"), actions, facts, (data, more, action, known) => {
          const denies = (rules: unknown) => (rules as Record<string, unknown>[]).filter((rule) => "deny" in rule)
          const added = {
            ...data,
            network: [...data.network, ...denies(more.network)],
            mcp: [...data.mcp, ...denies(more.mcp)],
            packages: {
              ...data.packages,
              rules: [...data.packages.rules, ...denies(more.packages.rules)],
            },
          }
          const before = judge(load(data), action, known)
          const after = judge(load(added), action, known)
          const closed = data.default !== undefined || action.kind === "network"
          // A deny that an exception lifts, or that is only observed, says nothing; it must still not open a closed default.
          if (!after.excepted) expect(strength(after)).toBeGreaterThanOrEqual(strength(before))
          if (closed && before.effect === "deny" && !after.excepted) expect(after.effect).toBe("deny")
        }),
      )
    })

    it("an exception never lifts a floor", () => {
      check(
        1500,
        fc.property(policyData("r"), actions, facts, (data, action, known) => {
          const verdict = judge(load(data), action, known)
          const malware = action.kind === "package" && known.advisories?.some(({ kind }) => kind === "malware")
          const mismatch = action.kind === "package" && known.integrity === "mismatch"
          const local = action.kind === "network" && ["10.0.0.1", "localhost"].includes(action.host)
          if (malware || mismatch || local) expect(verdict).toMatchObject({ effect: "deny", mode: "enforce" })
        }),
      )
    })

    it("a layer below never loosens what the layers above deny", () => {
      check(
        2000,
        fc.property(policyData("r"), policyData("s"), actions, facts, (above, below, action, known) => {
          const alone = judge(load(above), action, known)
          const both = judge(load(above, below), action, known)
          // The network is closed until a layer opens it; that is no deny of the layer above.
          if (alone.effect !== "deny" || alone.rule === "network.default (built-in)") return
          expect(strength(both)).toBeGreaterThanOrEqual(strength(alone))
          if (alone.mode === "enforce") expect(both.effect).toBe("deny")
        }),
      )
    })

    it("a local layer on top of an organisation's and a repository's is bound by both", () => {
      check(
        800,
        fc.property(
          policyData("r"),
          policyData("s"),
          policyData("t"),
          actions,
          facts,
          (org, repo, local, action, known) => {
            const two = judge(load(org, repo), action, known)
            const three = judge(load(org, repo, local), action, known)
            if (two.effect === "deny" && two.rule !== "network.default (built-in)")
              expect(strength(three)).toBeGreaterThanOrEqual(strength(two))
          },
        ),
      )
    })

    it("every verdict can be explained by its parts", () => {
      check(
        800,
        fc.property(policyData("r"), actions, facts, (data, action, known) => {
          const verdict = judge(load(data), action, known)
          expect(verdict.reason).toMatch(/^[\x20-\x7e]+$/)
          expect(verdict.reason).not.toContain("{")
          for (const other of verdict.also ?? []) expect(RANK[other.effect]).toBeGreaterThan(0)
          if (verdict.mode === "enforce")
            for (const other of verdict.also ?? []) expect(other.rule).not.toBe(verdict.rule + other.code)
        }),
      )
    })
  })

  describe("decide", () => {
    const policy = load({
      version: 1,
      packages: {
        deny: {
          malware: true,
          severity: "low",
          age: "3d",
          licenses: ["MIT"],
          score: 40,
          lookalikes: true,
          unmaintained: "1y",
        },
        rules: [{ id: "p", deny: "pkg:npm/a*", versions: "<2" }],
      },
      network: [{ id: "n", allow: "**.example", paths: ["/**/a*b/**"] }],
      mcp: [{ id: "m", deny: "**", arguments: { "a.b": { contains: "x" } } }],
    })
    const text = fc.string({ unit: "binary", maxLength: 30 })
    const number = fc.double()
    const anything = fc.oneof(
      fc.record({
        kind: fc.constant("package"),
        purl: text,
        ecosystem: fc.constantFrom("npm", "pypi", "cargo", "golang", "maven", "__proto__"),
        name: text,
        version: text,
        source: fc.oneof(
          fc.record({ kind: fc.constant("registry"), origin: text }),
          fc.record({ kind: fc.constant("git"), url: text }),
        ),
      }),
      fc.record({ kind: fc.constant("network"), method: text, scheme: text, host: text, port: number, path: text }),
      fc.record({ kind: fc.constant("credential"), credential: text, method: text, host: text, path: text }),
      fc.record({ kind: fc.constant("mount"), path: text, write: fc.boolean() }),
      fc.record({ kind: fc.constant("mcp"), server: text, tool: text, arguments: fc.dictionary(text, fc.jsonValue()) }),
      fc.record({ kind: fc.constant("skill"), name: text, version: text, source: text }),
    ) as fc.Arbitrary<Action>
    const anyFacts = fc.record(
      {
        published: number,
        lastRelease: number,
        license: text,
        installScripts: fc.array(text),
        score: number,
        advisories: fc.array(
          fc.record({
            id: text,
            aliases: fc.array(text),
            kind: fc.constantFrom("malware", "vulnerability"),
            severity: fc.constantFrom("high", "nonsense"),
            cvss: number,
            fixed: fc.array(text),
          }),
        ),
        lookalike: fc.record({ of: text, how: text }),
        missing: fc.dictionary(fc.constantFrom("exists", "score"), fc.constantFrom("offline", "nonsense")),
      },
      { requiredKeys: [] },
    ) as fc.Arbitrary<PackageFacts>

    it("never throws, and never shows more than printable text", () => {
      check(
        4000,
        fc.property(anything, anyFacts, fc.array(text), text, (action, known, addresses, unboundPlaceholder) => {
          const verdict = decide(policy, action, { now: NOW, facts: known, addresses, unboundPlaceholder })
          expect(["allow", "ask", "deny"]).toContain(verdict.effect)
          expect(JSON.stringify(verdict)).toMatch(/^[\x20-\x7e]*$/)
          expect(verdict.subject.length).toBeLessThanOrEqual(500)
        }),
      )
    })
  })
}
