// One request, decided, with what people agreed to: of one group after the other, and of its credential with it.
import { describe, expect, it } from "vitest"
import type { ActiveGrant, NetworkArguments } from "../../../src/approvals/types.ts"
import { actionOf, judge } from "../../../src/gateway/egress/judge.ts"
import type { SeenRequest } from "../../../src/gateway/services/types.ts"
import { loadPolicy } from "../../../src/policy/load.ts"
import { networkNeeds } from "../../../src/policy/network.ts"
import { NOW } from "../../context.ts"

const SEEN: SeenRequest = {
  ...{ method: "POST", scheme: "https", host: "api.example.com", port: 443, path: "/v1", query: "", headers: {} },
}

/** Judges a POST; `agreed` are the ids of rules that somebody approved the question of. */
async function judged(rules: string, agreed: readonly string[], inject: readonly string[] = [], headers = {}) {
  const policy = loadPolicy(
    `version: 1\n${rules}\napprovers: { ops: { people: [ana] }, sec: { people: [ben] } }`,
    "nanoguard.yaml",
  )
  const asked: string[] = []
  const grantsFor = async ({ rule, codes }: NetworkArguments): Promise<ActiveGrant[]> => {
    asked.push(`${rule}: ${codes.join(" ")}`)
    if (!agreed.includes(rule)) return []
    const approvers = /approvers: (\w+)/.exec(
      rules.split("\n").find((line) => line.includes(`id: ${rule},`)) ?? "",
    )?.[1]
    const grant = { id: `ap-${rule}`, kind: "ask", codes, approvers: approvers ?? "", expires: NOW + 1 } as const
    return [{ grant, purl: "", by: ["ana"], uses: 0 }]
  }
  const result = await judge(
    {
      policy,
      now: () => NOW,
      budgets: { reserve: () => Promise.reject(new Error("no budget")) } as never,
      resolve: async () => ["93.184.216.34"],
      grantsFor,
    },
    {
      who: { agent: "coder", run: "r-1" } as never,
      seen: { ...SEEN, headers },
      needs: networkNeeds(policy, SEEN.host, SEEN.port),
      body: undefined,
      carried: async () => ({
        inject: inject.map((credential) => ({ credential, placeholder: "p", named: true })),
        ...{ inert: [], elsewhere: "refuse" },
      }),
    },
  )
  const { verdict, grants, args } = result
  return {
    effect: verdict.effect,
    approvers: verdict.approvers,
    asked,
    grants: grants.map(({ grant }) => grant.id),
    args,
  }
}

describe("a request that several groups are asked about", () => {
  const RULES = `network:
  - { id: a, ask: api.example.com, approvers: ops }
  - { id: b, ask: "**", methods: [POST], approvers: sec }`

  it("waits for each of them in turn", async () => {
    expect(await judged(RULES, [])).toMatchObject({ effect: "ask", approvers: "ops", grants: [], args: { rule: "a" } })
    expect(await judged(RULES, ["a"])).toMatchObject({ effect: "ask", approvers: "sec", args: { rule: "b" } })
    expect(await judged(RULES, ["b"])).toMatchObject({ effect: "ask", approvers: "ops", args: { rule: "a" } })
    expect(await judged(RULES, ["a", "b"])).toMatchObject({ effect: "allow", grants: ["ap-a", "ap-b"] })
  })

  it("shows and binds who may have what is stored, and whose account it is, whatever rules say", async () => {
    const headers = { "x-amz-acl": "public-read", "stripe-account": "acct_1", depth: "infinity" }
    const { args } = await judged(RULES, [], [], { ...headers, "x-request-id": "7" })
    expect(args?.headers).toEqual(headers)
  })
})

describe("a request and the credential that its rule puts onto it", () => {
  it("are one question", async () => {
    const rules = "network:\n  - { id: a, ask: api.example.com, credential: key, approvers: ops }"
    const open = await judged(rules, [], ["key"])
    expect(open).toMatchObject({ effect: "ask", asked: ["a: credential.approval network.approval"] })
    expect(await judged(rules, ["a"], ["key"])).toMatchObject({ effect: "allow", grants: ["ap-a"] })
  })
  it("are refused where no rule lets the credential there", async () => {
    const rules = "network:\n  - { id: a, allow: api.example.com }"
    expect(await judged(rules, [], ["key"])).toMatchObject({ effect: "deny", asked: [] })
    expect(await judged(rules, [])).toMatchObject({ effect: "allow", asked: [] })
  })
})

describe("what could be another operation than it seems", () => {
  it("stays that, whatever else of the request was not read", async () => {
    const needs = { inspect: true, http2: false, selectors: ["json:/a"], classify: true }
    const classified = {
      service: "github",
      operation: "github:issues.list",
      access: "write",
      unread: "ambiguous",
    } as const
    expect(await actionOf({ ...SEEN, unread: "too-large" }, needs, classified)).toMatchObject({ unread: "ambiguous" })
    const { unread, ...sure } = classified
    expect(await actionOf({ ...SEEN, unread: "too-large" }, needs, sure)).toMatchObject({ unread: "too-large" })
    expect(unread).toBe("ambiguous")
  })
})
