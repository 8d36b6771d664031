// The contract of what is known about services: requests in, data out. Nothing here does I/O, or imports the gate's core.
import type { FieldValue, Unread } from "../../policy/types.ts"

/** A request as the gate read it: canonical host, normalised path, one value a header. */
export interface SeenRequest {
  method: string
  scheme: "https" | "http" | "wss" | "ws"
  host: string
  port: number
  /** Normalised, still percent-encoded where that means something. */
  path: string
  /** After the `?`, as it was sent; "" where there is none. */
  query: string
  /** Lower-case names; several values joined as RFC 9110, section 5.3 says. */
  headers: Readonly<Record<string, string>>
  /** The whole body, out of its content-encoding. Absent where there is none, or where it was not read: but for a push, whose beginning people are shown. */
  body?: Buffer
  /** Why there is a body, and it was not read. */
  unread?: Unread
}

/** What a request is to a service. */
export interface Classified {
  /** `github`, `gitlab`, `git`, `npm`, `pypi`, `cargo`, `slack`, `linear`, `stripe`, `aws`, `google`, `anthropic`, `openai`, `graphql`, `mcp`; "" for none that is known. */
  service: string
  /** `github:pulls.merge`; "" where only the service is known. */
  operation: string
  access: "read" | "write"
  /** A model's host: what an agent says there ever after contains what it saw. */
  model?: true
  /** What the classification rests on could not be read: it is the strictest that it may be. */
  unread?: Unread
}

/** Values by selector; only selectors that the request has something for. */
export interface Fields {
  fields: Readonly<Record<string, FieldValue>>
  /** Some selector asks for the body, and that has no answer. */
  unread?: Unread
}

/** A text that a person is shown: long ones are cut, and what was cut is named. */
export interface ShownValue {
  name: string
  /** As it is in the request, never escaped: whoever renders it does that. */
  value: string
  /** Of the whole value, where it was cut: length in UTF-16 units, and sha256 in hex. */
  cut?: { length: number; sha256: string }
}

/** A part of a request, decoded: query, form, JSON members, a GraphQL operation, the refs of a push, an e-mail's header and text. */
export interface ShownPart {
  title: string
  values: readonly ShownValue[]
  /** Values beyond those that are shown. */
  more?: number
}

/** What will happen, in words of fixed templates around the request's own values. */
export interface Described {
  /** "merge", "create", "delete", "push", "charge", "send". */
  verb: string
  /** "pull request acme/app#12": from the request, never from upstream's words. */
  resource: string
  /** "49.00 usd", where the service's request states one. */
  amount?: string
  parts: readonly ShownPart[]
}

/** What a provider reports that an answer has used. */
export interface Usage {
  tokens?: number
  usd?: number
}

/** Reads an answer as it streams by. Bounded: it never keeps more than one event, or one document of 1 MiB. */
export interface UsageMeter {
  push: (chunk: Uint8Array) => void
  /** What was reported, once the answer is over; empty where nothing was. */
  end: () => Usage
}
