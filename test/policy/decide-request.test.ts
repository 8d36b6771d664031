// A request and the credentials that it would carry, under one verdict.
import { describe, expect, it } from "vitest"
import { decideRequest } from "../../src/policy/decide-request.ts"
import type { Grant } from "../../src/policy/grant-types.ts"
import { loadPolicy } from "../../src/policy/load.ts"
import type { DecisionEvidence, NetworkAction } from "../../src/policy/types.ts"
import { action, NOW } from "./support.ts"

const GET = action("GET https://api.example.com/v1") as NetworkAction
const POST = action("POST https://api.example.com/v1") as NetworkAction
const judge = (text: string, request: NetworkAction, more: Partial<DecisionEvidence> = {}, credentials = ["key"]) =>
  decideRequest(loadPolicy(`version: 1\n${text}`, "p.yaml"), request, credentials, { now: NOW, counters: {}, ...more })
const grant = (approvers: string, ...codes: string[]): Grant => ({
  ...{ id: `ap-${codes.length}`, kind: "ask", codes, approvers, expires: NOW + 1 },
})

describe("a request with a credential", () => {
  it("passes where both may; a credential alone can refuse it", () => {
    const policy = "network: [{ id: a, allow: api.example.com, credential: key }]"
    expect(judge(policy, GET)).toMatchObject({ effect: "allow", code: "network.allowed" })
    expect(judge(policy, GET, {}, ["other"])).toMatchObject({ effect: "deny", code: "credential.denied" })
    expect(judge(policy, GET, {}, ["key", "other"])).toMatchObject({ effect: "deny", code: "credential.denied" })
    expect(judge(policy, GET, {}, [])).toMatchObject({ effect: "allow" })
    const denied = judge('network: [{ id: a, allow: "**" }, { id: b, deny: api.example.com }]', GET)
    expect(denied).toMatchObject({ effect: "deny", code: "network.host-denied" })
    expect(denied.also).toEqual([{ code: "credential.denied", effect: "deny", rule: "credentials.default (built-in)" }])
  })

  it("takes the credential only to what the rule that names it is about", () => {
    const policy = `network:
  - { id: read, allow: api.example.com, access: read, credential: key }
  - { id: send, allow: api.example.com, methods: [POST] }
  - { id: pay, allow: api.example.com, methods: [POST], where: { form.amount: { max: 5 } }, credential: pay }
  - { id: merge, allow: api.example.com, methods: [POST], operations: [github:pulls.merge], credential: forge }
`
    expect(judge(policy, GET).effect).toBe("allow")
    expect(judge(policy, POST)).toMatchObject({ effect: "deny", code: "credential.denied" })
    expect(judge(policy, POST, {}, []).effect).toBe("allow")
    expect(judge(policy, { ...POST, fields: { "form.amount": "5" } }, {}, ["pay"]).effect).toBe("allow")
    expect(judge(policy, { ...POST, fields: { "form.amount": "6" } }, {}, ["pay"]).effect).toBe("deny")
    expect(judge(policy, { ...POST, unread: "too-large" }, {}, ["pay"]).effect).toBe("deny")
    expect(judge(policy, { ...POST, operation: "github:pulls.merge" }, {}, ["forge"]).effect).toBe("allow")
    expect(judge(policy, { ...POST, operation: "github:pulls.create" }, {}, ["forge"]).effect).toBe("deny")
  })

  it("is one question where one rule asks, and one approval answers it", () => {
    const policy =
      "network: [{ id: a, ask: api.example.com, credential: key, approvers: ops }]\napprovers: { ops: { people: [ana] } }"
    expect(judge(policy, POST)).toMatchObject({
      ...{ effect: "ask", code: "network.approval", approvers: "ops" },
      also: [{ code: "credential.approval", effect: "ask", approvers: "ops" }],
    })
    expect(judge(policy, POST, { grants: [grant("ops", "network.approval")] }).effect).toBe("allow")
    expect(judge(policy, POST, { grants: [grant("", "network.approval")] }).effect).toBe("ask")
    expect(judge(policy, POST, { grants: [grant("ops", "credential.approval")] })).toMatchObject({
      ...{ effect: "ask", code: "network.approval" },
    })
  })

  it("asks what a rule of the credential asks, which no approval of the request answers", () => {
    const policy = `network: [{ id: a, ask: api.example.com }]
credentials: [{ id: k, ask: key, hosts: [api.example.com] }]
`
    const both = judge(policy, POST)
    expect(both).toMatchObject({ code: "network.approval", also: [{ code: "credential.approval", effect: "ask" }] })
    expect(judge(policy, POST, { grants: [grant("", "network.approval")] })).toMatchObject({
      ...{ effect: "ask", code: "credential.approval", excepted: [{ code: "network.approval" }] },
    })
    expect(judge(policy, POST, { grants: [grant("", "network.approval", "credential.approval")] }).effect).toBe("allow")
  })

  it("is stopped by what enforces, whatever is only observed beside it", () => {
    const policy = `network: [{ id: a, allow: api.example.com }, { id: b, deny: api.example.com, mode: observe }]
credentials: [{ id: k, ask: key, hosts: [api.example.com] }]
`
    expect(judge(policy, POST)).toMatchObject({ effect: "ask", mode: "enforce", code: "credential.approval" })
    expect(judge(policy, POST, {}, [])).toMatchObject({ effect: "deny", mode: "observe" })
  })
})
