// A request that an agent signed with placeholders, signed anew with the keys: what it asks for stays, whose it is becomes true.
import { createHash } from "node:crypto"
import { authorizeAws } from "./aws-sign.ts"
import { type Change, headerOf, type OutgoingRequest, splitAws } from "./outgoing.ts"

/** What an `authorization` header of AWS says. */
interface Signed {
  id: string
  region: string
  service: string
  headers: readonly string[]
}

const FORM =
  /^AWS4-HMAC-SHA256 +Credential=([^/,\s]{1,128})\/\d{8}\/([a-z0-9-]{1,64})\/([a-z0-9.-]{1,64})\/aws4_request *, *SignedHeaders=([A-Za-z0-9;_-]{1,4096}) *, *Signature=[0-9a-f]{64} *$/

/** Bodies whose hash is not in the signature; each of their chunks is not signed either. */
const UNSIGNED = new Set(["UNSIGNED-PAYLOAD", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"])

/** Access key id that a request names as its own; undefined where it is not signed in this way. */
function readSigned(authorization: string): Signed | undefined {
  const [, id, region, service, names] = FORM.exec(authorization) ?? []
  if (id === undefined || names === undefined) return undefined
  return { id, region: region!, service: service!, headers: names.toLowerCase().split(";") }
}

/**
 * Signs a request for AWS at `now`, with the region and service that it names itself. Without a signature it is signed only for the
 * slot's own region and service. Refused: presigned addresses, signed streams (each chunk would have to be signed), SigV4A.
 */
export function signAws(
  request: OutgoingRequest,
  slot: { service?: string; region?: string },
  value: string,
  placeholder: string,
  now: number,
): Change {
  const given = headerOf(request.headers, "authorization")?.trim() ?? ""
  if (/[?&]x-amz-(?:signature|credential|algorithm)=/i.test(decodeText(request.path)))
    return { refused: "aws.presigned" }
  if (given.startsWith("AWS4-ECDSA-P256-SHA256")) return { refused: "aws.asymmetric" }
  if (given !== "" && !given.startsWith("AWS4-")) return { slot: "own" }
  const signed = readSigned(given)
  if (given !== "" && signed === undefined) return { refused: "aws.malformed" }
  if (signed !== undefined && signed.id !== splitAws(placeholder)[0]) return { slot: "own" }
  const [service, region] = [signed?.service ?? slot.service, signed?.region ?? slot.region]
  if (service === undefined || region === undefined) return { refused: "aws.unsigned" }
  if ((slot.service ?? service) !== service || (slot.region ?? region) !== region) return { refused: "aws.scope" }
  const payload = payloadOf(request)
  if ("refused" in payload) return payload

  const time = `${new Date(now).toISOString().replace(/[-:]/g, "").slice(0, 15)}Z`
  const [id, secret, token] = splitAws(value)
  const replaced = new Set(["authorization", "x-amz-date", "x-amz-security-token"])
  if (payload.stated) replaced.add("x-amz-content-sha256")
  const headers: string[] = []
  for (let at = 0; at + 1 < request.headers.length; at += 2) {
    if (!replaced.has(request.headers[at]!.toLowerCase())) headers.push(request.headers[at]!, request.headers[at + 1]!)
  }
  headers.push("x-amz-date", time)
  if (payload.stated) headers.push("x-amz-content-sha256", payload.hash)
  if (token !== undefined) headers.push("x-amz-security-token", token)
  const own = headers.flatMap((name, at) => (at % 2 === 0 && /^x-amz-/i.test(name) ? [name.toLowerCase()] : []))
  const all = [...(signed?.headers ?? ["content-type"]), "host", ...own]
  const { method, path } = request
  const authorization = authorizeAws(
    { method, path, headers, signed: all, payload: payload.hash },
    { time, region, service },
    id!,
    secret!,
  )
  headers.push("authorization", authorization)
  return { slot: signed === undefined ? "empty" : "placeholder", headers }
}

function decodeText(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** What stands for the body in a signature: its hash, the one that the agent stated where it streams by, or that there is none. */
function payloadOf({
  headers,
  body,
}: OutgoingRequest): { hash: string; stated: boolean } | { refused: "aws.streaming" | "body.unread" } {
  const stated = headerOf(headers, "x-amz-content-sha256")?.trim()
  if (stated !== undefined && UNSIGNED.has(stated)) return { hash: stated, stated: true }
  if (stated?.startsWith("STREAMING-")) return { refused: "aws.streaming" }
  const streams =
    body === undefined &&
    (headerOf(headers, "transfer-encoding") !== undefined || (headerOf(headers, "content-length") ?? "0") !== "0")
  if (!streams)
    return {
      hash: createHash("sha256")
        .update(body ?? "")
        .digest("hex"),
      stated: stated !== undefined,
    }
  // The origin compares it with what arrives.
  return stated !== undefined && /^[0-9a-f]{64}$/.test(stated)
    ? { hash: stated, stated: true }
    : { refused: "body.unread" }
}
