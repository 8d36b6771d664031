// Requests as the gate hands them over.
import type { SeenRequest } from "../../../src/gateway/services/types.ts"

interface Given {
  body?: string | Buffer
  type?: string
  headers?: Record<string, string>
}

/** `request("POST https://api.example.com/v1/x?y=1", { type: "application/json", body: "{}" })`. */
export function request(line: string, { body, type, headers }: Given = {}): SeenRequest {
  const [method = "", address = ""] = line.split(" ")
  const [, scheme = "", host = "", port, path = "", query = ""] =
    /^(\w+):\/\/([^/:?]+)(?::(\d+))?([^?]*)(?:\?(.*))?$/.exec(address) ?? []
  return {
    method,
    scheme: scheme as SeenRequest["scheme"],
    host,
    port: Number(port ?? 443),
    path: path || "/",
    query,
    headers: {
      ...(type !== undefined && { "content-type": type }),
      ...(body !== undefined && { "content-length": String(Buffer.byteLength(body)) }),
      ...headers,
    },
    ...(body !== undefined && { body: Buffer.from(body as string) }),
  }
}

export const json = (line: string, value: unknown, headers: Record<string, string> = {}): SeenRequest =>
  request(line, { type: "application/json", body: JSON.stringify(value), headers })
