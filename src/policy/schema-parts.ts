// The pieces that the schema of a policy is made of.
import * as z from "zod/mini"
import { DURATION } from "./duration.ts"
import { NAME } from "./names.ts"
import { SEVERITIES } from "./severities.ts"

/** Objects of which exactly one of allow, ask and deny is required; for the JSON Schema. */
export const oneVerb = new Set<unknown>()

/** What editors show for each field; kept aside, because a description inside the schema copies it. */
export const descriptions: (readonly [z.core.$ZodType, string])[] = []

/** Notes the description of a field. */
export function described<T extends z.ZodMiniType>(schema: T, description: string): T {
  descriptions.push([schema, description])
  return schema
}

/** A field that may be absent, with its description. */
export function optional<T extends z.ZodMiniType>(schema: T, description: string): z.ZodMiniOptional<T> {
  return described(z.optional(schema), description)
}

/** Text of a pattern; `wants` ends the sentence "it wants ...". */
export const patterned = (pattern: RegExp, wants: string) =>
  z.string(`wants ${wants}`).check(z.regex(pattern, `wants ${wants}`))

/** Ids, names and reasons are shown to agents and approvers, so their alphabets are closed. */
export const id = () => patterned(/^[a-z0-9][a-z0-9_-]{0,63}$/, "lower-case letters, digits, - and _, at most 64")
export const prose = () =>
  patterned(/^[A-Za-z0-9][A-Za-z0-9 .,:;'()/@+%=_#-]{0,199}$/, "one line of plain text, at most 200 characters")
export const name = () => patterned(NAME, "a name of letters, digits and . _ @ / -")
export const duration = () => patterned(DURATION, "a duration such as 12h, 3d, 4w or 2y")
export const httpUrl = () =>
  patterned(/^https?:\/\/[^\s@?#]{1,2000}$/, "an http(s) address without credentials, query or fragment")
export const text = (limit: number) => z.string().check(z.minLength(1), z.maxLength(limit))
export const texts = (limit: number) => z.array(text(limit)).check(z.minLength(1))

export const effect = () => z.enum(["allow", "ask", "deny"])
export const severity = () => z.enum(SEVERITIES)
export const yes = () => z.literal(true)

/** An effect for each of some keys. */
export const effects = (keys: readonly string[]) =>
  z.strictObject(Object.fromEntries(keys.map((key) => [key, z.optional(effect())])))

const examples = () =>
  z.strictObject({
    match: z.optional(z.array(text(2048))),
    noMatch: z.optional(z.array(text(2048))),
  })

/** What every rule of a list may say, with the verbs; `subject` is what their value names. */
const ruleFields = (subject: string) => ({
  id: described(id(), "Name of the rule in verdicts, logs and approvals; unique in the policy."),
  allow: optional(text(512), `Let pass: ${subject}.`),
  ask: optional(text(512), `Let pass once a person agrees: ${subject}.`),
  deny: optional(text(512), `Refuse: ${subject}.`),
  mode: optional(z.literal("observe"), "Only report what this rule would have stopped."),
  reason: optional(prose(), "Why, shown to whoever is refused or asked."),
  instead: optional(prose(), "What to use instead; a purl for packages."),
  approvers: optional(name(), "Name of the approvers who may agree."),
  risk: optional(severity(), "For ask: how much harm a wrong yes would do; medium where absent."),
  examples: optional(examples(), "Actions that the rule must and must not match; checked at every load."),
})
/** A rule of a list: the common fields, and those of its kind. */
export const rule = <T extends z.core.$ZodLooseShape>(subject: string, fields: T) => {
  const schema = z.strictObject({ ...ruleFields(subject), ...fields })
  oneVerb.add(schema)
  return schema
}
