// A request as it goes out, and what becomes of it when a credential is put into it.

/** A request as it goes out. */
export interface OutgoingRequest {
  method: string
  /** Origin form. */
  path: string
  /** Names and values in turn. */
  headers: readonly string[]
  /** The whole body. Absent where there is none, or where it streams by. */
  body?: Buffer | undefined
}

/** A text that must not come back, and what is put in its place. */
export interface Secret {
  value: string
  /** What the agent has instead. */
  replacement: string
}

/**
 * `placeholder`: it stood in the slot; `empty`: the slot was filled; `own`: something else stands there, which was left alone;
 * `absent`: the request has no such slot (a segment of its path, a member of its body).
 */
export type Slotted = "placeholder" | "empty" | "own" | "absent"

/** Why a request with a credential is not sent. Stable; docs/egress.md explains each. */
export type InjectionRefusal =
  | "value.unfit"
  | "slot.repeated"
  | "body.unread"
  | "body.encoded"
  | "body.ambiguous"
  | "aws.unsigned"
  | "aws.streaming"
  | "aws.presigned"
  | "aws.asymmetric"
  | "aws.scope"
  | "aws.malformed"

export type Injected =
  | { request: OutgoingRequest; slot: Slotted; secrets: readonly Secret[] }
  | { refused: InjectionRefusal }

/** What one slot's code returns: the parts that change. */
export type Change =
  | { slot: "own" | "absent" }
  | { refused: InjectionRefusal }
  | ({ slot: "placeholder" | "empty" } & Partial<OutgoingRequest>)

/** Access key id, secret key, and session token where there is one (which may have colons). */
export function splitAws(value: string): string[] {
  const [id = "", secret = "", ...token] = value.split(":")
  return token.length > 0 ? [id, secret, token.join(":")] : [id, secret]
}

/** The value of a header, where it is there once or more: the first. */
export function headerOf(headers: readonly string[], name: string): string | undefined {
  for (let at = 0; at + 1 < headers.length; at += 2) if (headers[at]!.toLowerCase() === name) return headers[at + 1]
  return undefined
}
