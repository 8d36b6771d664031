// An answer as somebody sends it: read strictly, for what is signed has no room for members that are not known here.
import type { Decision, Terms } from "../../approvals/types.ts"
import { EXIT, NanoguardError } from "../../errors.ts"
import { isRecord } from "../../packages/registries/values.ts"

const SIGNATURE = /^(?:ed25519|sshsig):[A-Za-z0-9+/]{16,4096}={0,2}$/
const NAME = /^[A-Za-z0-9][A-Za-z0-9._@+-]{0,99}$/

const isTime = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0
const isOneOf =
  (...values: string[]) =>
  (value: unknown) =>
    typeof value === "string" && values.includes(value)

const TERMS: Readonly<Record<keyof Terms, (value: unknown) => boolean>> = {
  scope: isOneOf("run", "agent"),
  covers: isOneOf("this", "alike"),
  expires: isTime,
  uses: isTime,
  note: (value) => typeof value === "string",
}

const MEMBERS: Readonly<Record<Exclude<keyof Decision, "approval">, (value: unknown) => boolean>> = {
  answer: isOneOf("approve", "deny"),
  terms: (value) => isRecord(value) && hasOnly(value, TERMS),
  by: (value) => typeof value === "string" && NAME.test(value),
  time: isTime,
  signature: (value) => typeof value === "string" && SIGNATURE.test(value),
}

/** The answer to a request that a body states. Throws `NanoguardError` (usage) for what is none. */
export function readDecision(approval: string, body: Readonly<Record<string, unknown>>): Decision {
  const { answer, terms, by, time, signature } = body
  if (hasOnly(body, MEMBERS) && Object.keys(body).length === Object.keys(MEMBERS).length)
    return { approval, answer, terms, by, time, signature } as Decision
  throw new NanoguardError("that is no signed answer", {
    exit: EXIT.usage,
    hint: "answer, terms, by, time and signature, as docs/openapi.yaml has them",
  })
}

function hasOnly(value: object, members: Readonly<Record<string, (value: unknown) => boolean>>): boolean {
  return Object.entries(value).every(([name, member]) => Object.hasOwn(members, name) && members[name]!(member))
}
