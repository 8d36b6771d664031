// What a credential may say: names, reach, slot, source, all of closed alphabets and bounded, as they are stored and signed.
import { isAbsolute } from "node:path"
import * as z from "zod/mini"
import { canonicalText } from "../audit/sealing/canonical.ts"
import { NAME } from "../policy/names.ts"
import { checkReach } from "./reach.ts"
import type { Credential } from "./types.ts"

/** Longest canonical text of a credential, in characters. */
export const MAX_TEXT = 32_768

/** Headers that say how a message is carried, or where to: no credential goes there. */
const NO_SLOT =
  /^(?:host|connection|content-(?:length|encoding|type)|transfer-encoding|te|trailer|upgrade|expect|keep-alive|proxy-.*|:.*)$/

const text = (pattern: RegExp, wants: string) => z.string().check(z.regex(pattern, `wants ${wants}`))
const line = (limit: number) =>
  z.string().check(z.minLength(1), z.maxLength(limit), z.regex(/^[^\p{C}\p{Zl}\p{Zp}]*$/u, "wants one line"))
const some = <T extends z.ZodMiniType>(schema: T, most: number) =>
  z.optional(z.array(schema).check(z.minLength(1), z.maxLength(most)))

/** RFC 9110 (5.6.2). */
const token = () => text(/^[!#$%&'*+.^_`|~A-Za-z0-9-]{1,128}$/, "the name of a header or cookie")
const printable = (limit: number) => text(new RegExp(`^[\\x20-\\x7e]{1,${limit}}$`), "printable characters")
const awsName = () => text(/^[a-z0-9][a-z0-9-]{0,63}$/, "lower-case letters, digits and -")

const slot = z.discriminatedUnion("in", [
  z.strictObject({ in: z.literal("bearer") }),
  z.strictObject({
    in: z.literal("header"),
    name: token().check(
      z.refine((name) => !NO_SLOT.test(name.toLowerCase()), "this header carries the message itself"),
    ),
    prefix: z.optional(printable(64)),
  }),
  z.strictObject({
    in: z.literal("basic"),
    user: z.optional(text(/^[\x21-\x39\x3b-\x7e]{1,128}$/, "a user without a colon")),
  }),
  z.strictObject({ in: z.literal("query"), name: text(/^[A-Za-z0-9._~[\]-]{1,128}$/, "the name of a parameter") }),
  z.strictObject({ in: z.literal("path") }),
  z
    .strictObject({
      in: z.literal("body"),
      pointer: z.optional(text(/^(?:\/(?:[^~/\p{C}]|~[01]){0,128}){1,16}$/u, "a JSON pointer such as /auth/token")),
      field: z.optional(line(128)),
      part: z.optional(text(/^[^\p{C}\p{Zl}\p{Zp}"\\%]{1,128}$/u, 'a name without ", \\ and %')),
    })
    .check(
      z.refine(
        ({ pointer, field, part }) => [pointer, field, part].filter((one) => one !== undefined).length === 1,
        "wants a pointer, a field or a part",
      ),
    ),
  z.strictObject({ in: z.literal("cookie"), name: token() }),
  z.strictObject({ in: z.literal("aws"), service: z.optional(awsName()), region: z.optional(awsName()) }),
  z.strictObject({
    in: z.literal("oauth-client"),
    tokenUrl: z.string().check(z.maxLength(2048), z.refine(isTokenUrl, "wants an https address")),
    scope: z.optional(printable(1024)),
  }),
])

const argument = () => z.string().check(z.maxLength(4096), z.regex(/^[^\0]*$/))
const source = z.discriminatedUnion("from", [
  z.strictObject({ from: z.literal("value") }),
  z.strictObject({ from: z.literal("env"), name: text(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/, "the name of a variable") }),
  z.strictObject({ from: z.literal("file"), path: line(4096).check(z.refine(isAbsolute, "wants an absolute path")) }),
  z.strictObject({
    from: z.literal("command"),
    command: z.array(argument()).check(
      z.minLength(1),
      z.maxLength(64),
      z.refine(([first]) => first !== ""),
    ),
  }),
  z.strictObject({ from: z.literal("1password"), reference: line(1024).check(z.regex(/^op:\/\/[^/]/, "wants op://")) }),
  z.strictObject({ from: z.literal("pass"), entry: line(1024).check(z.regex(/^[^-/]/, "wants the name of an entry")) }),
  z.strictObject({ from: z.literal("login"), login: z.enum(["claude", "codex", "gemini"]) }),
])

const reach = z.strictObject({
  hosts: z.array(z.string()).check(z.minLength(1, "wants at least one host"), z.maxLength(64)),
  methods: some(text(/^[A-Z]{1,20}$/, "an upper-case method"), 20),
  paths: some(z.string().check(z.maxLength(512)), 64),
  agents: some(text(/^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/, "the name of an agent"), 256),
})

/** What a person gives; the rest the vault adds. */
const draft = {
  name: text(NAME, "letters, digits and . _ @ / -"),
  reach,
  slot,
  source,
  shape: text(/^[a-z][a-z0-9-]{0,31}$/, "the name of a shape"),
  env: some(text(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/, "the name of a variable"), 16),
  canary: z.optional(z.literal(true)),
}

const credentialSchema = z.strictObject({
  ...draft,
  version: z.int().check(z.minimum(1)),
  by: text(/^[A-Za-z0-9][A-Za-z0-9._@+-]{0,99}$/, "the name of an approver"),
  time: z.int().check(z.minimum(0), z.maximum(8.64e15)),
})

/** A credential without what the vault adds. */
export type Draft = Omit<Credential, "version" | "by" | "time">

/** What is wrong with a draft, as `slot.name: wants ...`; undefined where nothing is. Never quotes what it was given. */
export function checkDraft(value: Draft): string | undefined {
  return wrongOf(z.strictObject(draft).safeParse(value)) ?? checkReach(value.reach, value.slot.in === "aws")
}

/** A credential from its stored text, which has to be the canonical one; undefined where it is none. */
export function readCredential(stored: string): Credential | undefined {
  if (stored.length > MAX_TEXT) return undefined
  try {
    const parsed = credentialSchema.safeParse(JSON.parse(stored))
    if (!parsed.success || canonicalText(parsed.data) !== stored) return undefined
    const credential = parsed.data as Credential
    return checkReach(credential.reach, credential.slot.in === "aws") === undefined ? credential : undefined
  } catch {
    return undefined
  }
}

function wrongOf(result: { success: boolean; error?: z.core.$ZodError }): string | undefined {
  const issue = result.error?.issues[0]
  if (!issue) return undefined
  const where = issue.path.filter((part) => typeof part === "string").join(".")
  const message = issue.code === "custom" || /^wants /.test(issue.message) ? issue.message : "is not what it can be"
  return where === "" ? message : `${where}: ${message}`
}

/** https, or http on this machine; without credentials and fragment. */
function isTokenUrl(value: string): boolean {
  if (!URL.canParse(value)) return false
  const { protocol, hostname, username, password, hash } = new URL(value)
  const local = hostname === "127.0.0.1" || hostname === "[::1]" || hostname === "localhost"
  return (protocol === "https:" || (protocol === "http:" && local)) && username + password + hash === ""
}
