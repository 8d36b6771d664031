// A git server: git's own CGI program behind a stand-in for a host.
import { spawn } from "node:child_process"
import type { IncomingMessage, ServerResponse } from "node:http"

/** Answers a request for the repositories below `root`; everybody without this authorization is asked for it. */
export function serveGit(
  root: string,
  authorization: string,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  if (request.headers.authorization !== authorization) {
    request.resume()
    response.writeHead(401, { "www-authenticate": 'Basic realm="git"' }).end("who are you?")
    return
  }
  const url = new URL(request.url!, "https://x")
  const { headers } = request
  const cgi = spawn("git", ["http-backend"], {
    env: {
      ...{ PATH: process.env["PATH"], GIT_PROJECT_ROOT: root, GIT_HTTP_EXPORT_ALL: "1", REMOTE_USER: "agent" },
      ...{ PATH_INFO: url.pathname, QUERY_STRING: url.search.slice(1), REQUEST_METHOD: request.method },
      CONTENT_TYPE: headers["content-type"] ?? "",
      ...(headers["content-length"] && { CONTENT_LENGTH: headers["content-length"] }),
      ...(headers["content-encoding"] && { HTTP_CONTENT_ENCODING: headers["content-encoding"] }),
      ...(headers["git-protocol"] && { GIT_PROTOCOL: String(headers["git-protocol"]) }),
    },
    stdio: ["pipe", "pipe", "inherit"],
  })
  request.pipe(cgi.stdin.on("error", () => {}))
  const chunks: Buffer[] = []
  cgi.stdout.on("data", (chunk: Buffer) => chunks.push(chunk))
  cgi.on("close", () => {
    const bytes = Buffer.concat(chunks)
    const end = bytes.indexOf("\r\n\r\n")
    const lines = bytes.toString("latin1", 0, end).split("\r\n")
    const named = lines.map((line) => line.split(/: (.*)/s).slice(0, 2) as [string, string])
    const status = Number.parseInt(named.find(([name]) => name === "Status")?.[1] ?? "200", 10)
    response.writeHead(status, Object.fromEntries(named.filter(([name]) => name !== "Status")))
    response.end(bytes.subarray(end + 4))
  })
}
