// AWS Signature Version 4, as the IAM User Guide describes it ("Create a signed AWS API request").
import { createHash, createHmac } from "node:crypto"

export interface AwsScope {
  /** `YYYYMMDD'T'HHMMSS'Z'`. */
  time: string
  region: string
  service: string
}

export interface AwsRequest {
  method: string
  /** Origin form, as it is sent. */
  path: string
  /** Names and values in turn. */
  headers: readonly string[]
  /** Names of headers to sign, in lower case; those that are not there are left out. */
  signed: readonly string[]
  /** Hex of the body's sha256, or one of the words that stand for it. */
  payload: string
}

const hash = (text: string) => createHash("sha256").update(text).digest("hex")
const hmac = (key: string | Buffer, text: string) => createHmac("sha256", key).update(text).digest()

/** Services whose paths are encoded once, and never normalised. */
const ONCE = new Set(["s3", "s3-object-lambda", "s3-outposts", "s3express"])

/** RFC 3986's unreserved characters as they are, all else in percent-encoding with upper case. */
const encode = (text: string) =>
  encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function canonicalPath(path: string, service: string): string {
  const segments = path.split("/")
  // A key's own slashes are not encoded there.
  if (ONCE.has(service))
    return segments.map((segment) => encode(decode(segment)).replaceAll("%2F", "/")).join("/") || "/"
  const kept: string[] = []
  for (const segment of segments) {
    if (segment === "..") kept.pop()
    else if (segment !== "" && segment !== ".") kept.push(encode(segment))
  }
  const isDirectory = kept.length > 0 && /\/\.{0,2}$/.test(path)
  return `/${kept.join("/")}${isDirectory ? "/" : ""}`
}

function canonicalQuery(query: string): string {
  const pairs = query.split("&").filter((pair) => pair !== "")
  const encoded = pairs.map((pair): [string, string] => {
    const equals = pair.indexOf("=")
    const [name, value] = equals < 0 ? [pair, ""] : [pair.slice(0, equals), pair.slice(equals + 1)]
    return [encode(decode(name)), encode(decode(value))]
  })
  const order = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)
  return encoded
    .sort(([a, x], [b, y]) => order(a, b) || order(x, y))
    .map((pair) => pair.join("="))
    .join("&")
}

/** Headers by name in lower case, several values joined, inner spaces as one. */
function headersOf(flat: readonly string[]): Map<string, string> {
  const headers = new Map<string, string>()
  for (let at = 0; at + 1 < flat.length; at += 2) {
    const name = flat[at]!.toLowerCase()
    const value = flat[at + 1]!.trim().replace(/ +/g, " ")
    const before = headers.get(name)
    headers.set(name, before === undefined ? value : `${before},${value}`)
  }
  return headers
}

/** The value of the `authorization` header. */
export function authorizeAws(
  request: AwsRequest,
  { time, region, service }: AwsScope,
  id: string,
  secret: string,
): string {
  const headers = headersOf(request.headers)
  const signed = [...new Set(request.signed)].filter((name) => headers.has(name)).sort()
  const mark = request.path.indexOf("?")
  const [path, query] = mark < 0 ? [request.path, ""] : [request.path.slice(0, mark), request.path.slice(mark + 1)]
  const canonical = [
    request.method,
    canonicalPath(path, service),
    canonicalQuery(query),
    ...signed.map((name) => `${name}:${headers.get(name)}`),
    "",
    signed.join(";"),
    request.payload,
  ].join("\n")
  const day = time.slice(0, 8)
  const scope = `${day}/${region}/${service}/aws4_request`
  const key = [region, service, "aws4_request"].reduce(hmac, hmac(`AWS4${secret}`, day))
  const signature = hmac(key, ["AWS4-HMAC-SHA256", time, scope, hash(canonical)].join("\n")).toString("hex")
  return `AWS4-HMAC-SHA256 Credential=${id}/${scope}, SignedHeaders=${signed.join(";")}, Signature=${signature}`
}
