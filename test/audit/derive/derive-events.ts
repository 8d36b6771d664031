// Random histories for derivation: few names, so that rows meet again and again; clocks that run back; everything optional.
import fc from "fast-check"
import type { NewEvent } from "../../../src/audit/types.ts"
import { EPOCH, GATEWAY, networkEvent, PEOPLE, POLICIES, packageEvent } from "../events.ts"

const few = (prefix: string, count: number) => fc.integer({ min: 0, max: count - 1 }).map((n) => `${prefix}${n}`)
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined })

const advisory = fc.record({
  id: few("GHSA-", 6),
  aliases: fc.array(few("CVE-", 6), { maxLength: 2 }),
  kind: fc.constant("vulnerability" as const),
  fixed: fc.constant([]),
})

const common = fc.record({
  time: fc.integer({ min: 0, max: 100_000 }).map((ms) => EPOCH + ms),
  agent: maybe(few("agent", 3)),
  run: maybe(few("run", 4)),
  boxed: maybe(fc.boolean()),
  operator: maybe(fc.constantFrom(...PEOPLE)),
  by: maybe(fc.array(fc.constantFrom(...PEOPLE), { maxLength: 3 })),
  gateway: fc.constantFrom(GATEWAY, "gateway-2"),
})

const outcome = maybe(fc.constantFrom("released", "refused", "held", "failed", "unknown"))

const plain: fc.Arbitrary<NewEvent> = fc
  .record({
    type: fc.constantFrom("sandbox.started", "sandbox.ended", "policy.adopted", "kill.ordered", "approval.granted"),
    outcome,
    policy: maybe(fc.constantFrom(...POLICIES)),
    item: maybe(fc.record({ kind: fc.constantFrom("mcp" as const, "skill" as const), name: few("thing", 3) })),
  })
  .map((members) => ({ subject: "subject", gateway: GATEWAY, ...defined(members) }) as NewEvent)

const decided: fc.Arbitrary<NewEvent> = fc
  .record({
    name: few("package", 4),
    version: few("1.0.", 3),
    effect: fc.constantFrom("allow", "ask", "deny"),
    outcome,
    advisories: maybe(fc.array(advisory, { maxLength: 3 })),
    shown: fc.array(few("GHSA-", 6), { maxLength: 2 }),
    policyHash: fc.constantFrom(...POLICIES),
  })
  .map(({ name, version, effect, advisories, shown, policyHash, ...rest }) => {
    const event = packageEvent(name, version, { effect, ...defined(rest) })
    const decision = structuredClone(event.decision!)
    if (advisories) Object.assign(decision.evidence.facts!, { advisories })
    decision.verdict = { ...decision.verdict, policyHash, evidence: shown.map((id) => ({ kind: "advisory", id })) }
    return { ...event, decision }
  })

const network = fc
  .record({ host: few("host", 4), effect: fc.constantFrom("allow", "deny") })
  .map(({ host, effect }) => networkEvent(`${host}.example.com`, { effect }))

const repeated = fc
  .record({ host: few("host", 4), counts: fc.array(fc.integer({ min: 1, max: 5000 }), { minLength: 1, maxLength: 4 }) })
  .map(({ host, counts }): NewEvent => {
    const item = { kind: "host" as const, name: `${host}.example.com` }
    const of = counts.map((count, at) => `${at + 1} x${count}`)
    return { type: "network.repeated", subject: item.name, gateway: GATEWAY, outcome: "released", item, detail: { of } }
  })

/** One event; sealed, it is a record of any shape that the index has to know. */
export const anyEvent: fc.Arbitrary<NewEvent> = fc
  .tuple(fc.oneof(plain, decided, network, repeated), common)
  .map(([event, members]) => ({ ...event, ...defined(members) }))

/** Without the members that are undefined. */
function defined<T extends object>(members: T): { [name in keyof T]: Exclude<T[name], undefined> } {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as never
}
