// Credentials of the person's own ~/.netrc, which pip and Go use (GNU inetutils manual: the .netrc file). An entry goes to the
// host that it names and to no other: `default`, which would go to every host, is left out on purpose.
import { join } from "node:path"
import type { Context } from "../../context.ts"
import { homeDirectory } from "../../home.ts"
import { readUserFile } from "./config-files.ts"

/** The `authorization` value for a URL, by the file that `NETRC` names, else ~/.netrc, else ~/_netrc. */
export function readNetrc(edge: Pick<Context, "cwd" | "env">): (url: URL) => string | undefined {
  const home = homeDirectory(edge.env)
  const named = edge.env["NETRC"]
  const files = named ? [named] : [join(home, ".netrc"), join(home, "_netrc")]
  const text = files.map((file) => readUserFile(edge, file)).find((found) => found !== undefined)
  const entries = parseNetrc(text ?? "")
  return ({ hostname }) => entries.get(hostname)
}

/** Basic header values by host name; the first entry of a host counts. */
export function parseNetrc(text: string): Map<string, string> {
  // A macro is text up to an empty line; a comment is up to the end of its line.
  const plain = text.replace(/^[ \t]*macdef\b[^\n]*\n(?:[^\n]*\S[^\n]*(?:\n|$))*/gm, "").replace(/^[ \t]*#.*$/gm, "")
  const words = [...plain.matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/g)].map(
    ([, quoted, bare]) => bare ?? quoted!.replace(/\\(.)/g, "$1"),
  )
  const entries = new Map<string, string>()
  let host: string | undefined
  let login = ""
  let password: string | undefined
  const end = () => {
    if (host !== undefined && password !== undefined && !entries.has(host))
      entries.set(host, `Basic ${Buffer.from(`${login}:${password}`).toString("base64")}`)
    host = undefined
    login = ""
    password = undefined
  }
  for (let at = 0; at < words.length; at++) {
    const word = words[at]
    if (word === "machine" || word === "default") end()
    if (word === "machine") host = words[++at]?.toLowerCase()
    else if (word === "login") login = words[++at] ?? ""
    else if (word === "password") password = words[++at]
    else if (word === "account") at++
  }
  end()
  return entries
}
