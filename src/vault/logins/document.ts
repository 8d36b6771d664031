// A login as the vault keeps it: what its program has on disk, reduced to what renewing it needs.
import * as z from "zod/mini"
import { parseForeignJson } from "../../foreign-json.ts"

const token = () => z.string().check(z.regex(/^[\x21-\x7e]{8,16384}$/))

const schema = z.strictObject({
  access: token(),
  refresh: z.optional(token()),
  /** When the access token ends, milliseconds since the epoch; 0 where nobody said. */
  expires: z.int().check(z.minimum(0), z.maximum(8.64e15)),
  /** The program's own identity, where it is no part of nanoguard. */
  client: z.optional(z.strictObject({ id: token(), secret: z.optional(token()) })),
})

export interface LoginDocument {
  access: string
  refresh?: string
  expires: number
  client?: { id: string; secret?: string }
}

/** A login from a text that the vault kept; undefined where it is none. */
export function readDocument(text: string): LoginDocument | undefined {
  try {
    const parsed = schema.safeParse(parseForeignJson(text))
    return parsed.success ? (parsed.data as LoginDocument) : undefined
  } catch {
    return undefined
  }
}

/** Whether data is a login that can be kept. */
export const isDocument = (value: LoginDocument): boolean => schema.safeParse(value).success
