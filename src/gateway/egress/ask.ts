// What a person is asked about a request: everything that is bound, and nothing that the agent could still change.
import { createHash } from "node:crypto"
import { askingRules } from "../../approvals/requests.ts"
import type { Json, NetworkArguments } from "../../approvals/types.ts"
import type { ListRule } from "../../policy/compiled.ts"
import type { NetworkAction, Verdict } from "../../policy/types.ts"
import type { Described, SeenRequest } from "../services/types.ts"
import { type Trailers, trailerPlaces } from "./trailers.ts"

export interface AskInput {
  action: NetworkAction
  verdict: Verdict
  seen: SeenRequest
  described: Described
  /** As it was sent; undefined where there is none. */
  body: Buffer | undefined
  trailers?: Trailers
  rules: readonly ListRule<NetworkAction>[]
  credential?: string | undefined
  opening?: "websocket" | "grpc" | undefined
  provenance?: readonly string[]
}

/** Headers that say what a request does, in whose account, who may have what is stored, or how its body is read: bound whatever rules say. */
const MEANING = [
  ...["content-encoding", "content-range", "range", "destination", "soapaction", "x-amz-target", "git-protocol"],
  ...["x-amz-copy-source", "x-goog-copy-source", "x-ms-copy-source", "x-copy-from", "x-goog-user-project"],
  ...["x-amz-acl", "x-amz-grant-full-control", "x-amz-grant-read", "x-amz-grant-read-acp", "x-amz-grant-write"],
  ...["x-amz-grant-write-acp", "x-amz-bypass-governance-retention", "x-amz-website-redirect-location", "x-goog-acl"],
  ...["x-ms-blob-public-access", "stripe-account", "stripe-context", "depth", "overwrite"],
]
/** Characters of a content-type that are kept as they are. */
const MAX_TYPE = 200

/** The arguments of the question: what any rule that asks wants bound is in it. */
export function askArguments(input: AskInput): NetworkArguments {
  const { action, verdict, seen, body, trailers = [], rules, credential, opening, provenance } = input
  const asking = rules.filter(({ effect }) => effect === "ask")
  const bound = new Set([...MEANING, ...asking.flatMap(({ bind = [] }) => bind.map((name) => name.toLowerCase()))])
  const headers = [...bound].sort().flatMap((name) => {
    const value = seen.headers[name]
    return value === undefined ? [] : [[name, value] as const]
  })
  return {
    ...{ method: action.method, scheme: action.scheme, host: action.host, port: action.port, path: action.path },
    query: seen.query,
    // No header's name has a colon in it.
    headers: Object.fromEntries([...headers, ...joined(trailerPlaces(trailers))]),
    ...(body !== undefined &&
      body.length > 0 && {
        body: {
          sha256: sha256(body),
          size: body.length,
          type: boundType(seen.headers["content-type"] ?? ""),
        },
      }),
    ...askingRules(verdict),
    codes: codesOf(verdict),
    reason: verdict.reason,
    ...(action.operation !== undefined && { operation: action.operation }),
    ...(action.access !== undefined && { access: action.access }),
    ...(credential !== undefined && { credential }),
    ...(opening !== undefined && { opening }),
    shown: input.described as unknown as Json,
    ...(provenance !== undefined && provenance.length > 0 && { provenance }),
  }
}

/** One value a name (RFC 9110, section 5.3). All of them are bound, whatever rules say: they come with the body. */
function joined(fields: readonly string[]): Map<string, string> {
  const values = new Map<string, string>()
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const before = values.get(fields[at]!)
    values.set(fields[at]!, before === undefined ? fields[at + 1]! : `${before}, ${fields[at + 1]}`)
  }
  return values
}

/** A content-type that is too long to be shown is bound by its hash: what is cut off may be where its parts begin. */
function boundType(type: string): string {
  return type.length <= MAX_TYPE ? type : `${type.slice(0, MAX_TYPE - 72)} sha256:${sha256(type)}`
}

const sha256 = (data: string | Buffer) => createHash("sha256").update(data).digest("hex")

/** The codes of the deciding rule, and of others that ask the same people. */
function codesOf({ code, approvers = "", also = [] }: Verdict): string[] {
  const others = also.filter((one) => one.effect === "ask" && (one.approvers ?? "") === approvers)
  return [...new Set([code, ...others.map((one) => one.code)])].sort()
}
