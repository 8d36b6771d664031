// Slots and sources as people write them on a command line, and read them in a list.
import { isAbsolute, resolve } from "node:path"
import { EXIT } from "../errors.ts"
import { vaultError } from "./errors.ts"
import type { Slot, Source } from "./types.ts"

const SLOTS =
  "bearer, header:<name>[:<prefix>], basic[:<user>], query:<name>, path, body:/<pointer>, form:<field>, multipart:<field>, cookie:<name>, aws[:<service>[:<region>]], oauth-client:<token url>"

/** The slot of a text such as `header:x-api-key`. Errors: usage; what it was given may be a value, so that it is not repeated. */
export function parseSlot(text: string): Slot {
  const at = text.indexOf(":")
  const kind = at < 0 ? text : text.slice(0, at)
  const rest = at < 0 ? undefined : text.slice(at + 1)
  const wrong = () => vaultError("--slot is none", SLOTS, EXIT.usage)
  if (rest === "") throw wrong()
  if (rest === undefined) {
    if (kind === "bearer" || kind === "basic" || kind === "path" || kind === "aws") return { in: kind }
    throw wrong()
  }
  switch (kind) {
    case "header": {
      const [name, ...prefix] = rest.split(":")
      return { in: "header", name: name!.toLowerCase(), ...(prefix.length > 0 && { prefix: prefix.join(":") }) }
    }
    case "basic":
      return { in: "basic", user: rest }
    case "query":
    case "cookie":
      return { in: kind, name: rest }
    case "body":
      return { in: "body", pointer: rest }
    case "form":
      return { in: "body", field: rest }
    case "multipart":
      return { in: "body", part: rest }
    case "aws": {
      const [service, region] = rest.split(":")
      return { in: "aws", ...(service && { service }), ...(region && { region }) }
    }
    case "oauth-client":
      return { in: "oauth-client", tokenUrl: rest }
    default:
      throw wrong()
  }
}

/** A slot as `parseSlot` reads it. */
export function formatSlot(slot: Slot): string {
  switch (slot.in) {
    case "header":
      return `header:${slot.name}${slot.prefix === undefined ? "" : `:${slot.prefix}`}`
    case "basic":
      return slot.user === undefined ? "basic" : `basic:${slot.user}`
    case "query":
    case "cookie":
      return `${slot.in}:${slot.name}`
    case "body":
      if (slot.part !== undefined) return `multipart:${slot.part}`
      return slot.pointer === undefined ? `form:${slot.field}` : `body:${slot.pointer}`
    case "aws":
      return ["aws", slot.service ?? "", slot.region ?? ""].join(":").replace(/:+$/, "")
    case "oauth-client":
      return `oauth-client:${slot.tokenUrl}`
    default:
      return slot.in
  }
}

/** The source of a text such as `env:NAME`; a file's path relative to `cwd`. Errors: usage, without repeating what was given. */
export function parseSource(text: string, cwd: string): Source {
  if (text.startsWith("op://")) return { from: "1password", reference: text }
  const [, kind, rest = ""] = /^(env|file|pass|command):(.+)$/s.exec(text) ?? []
  switch (kind) {
    case "env":
      return { from: "env", name: rest }
    case "file":
      return { from: "file", path: isAbsolute(rest) ? rest : resolve(cwd, rest) }
    case "pass":
      return { from: "pass", entry: rest }
    case "command":
      return { from: "command", command: splitWords(rest) }
    default:
      throw vaultError(
        "--from names no source",
        "env:NAME, file:PATH, op://vault/item/field, pass:ENTRY or command:'program argument ...'; a value itself is typed at the prompt",
        EXIT.usage,
      )
  }
}

/** A source in a list: never a value, and of a command only its program. */
export function formatSource(source: Source): string {
  switch (source.from) {
    case "env":
      return `env:${source.name}`
    case "file":
      return `file:${source.path}`
    case "command":
      return `command:${source.command[0]}`
    case "1password":
      return source.reference
    case "pass":
      return `pass:${source.entry}`
    case "login":
      return `login:${source.login}`
    case "value":
      return "vault"
  }
}

/** Words as a shell would split them, with quotes and backslashes and nothing else: no variable, no pattern, no second command. */
function splitWords(text: string): string[] {
  const words: string[] = []
  const pattern = /\s*((?:"(?:[^"\\]|\\.)*"|'[^']*'|\\.|[^\s"'\\])+)/gsy
  let end = 0
  for (let match = pattern.exec(text); match; match = pattern.exec(text)) {
    end = pattern.lastIndex
    words.push(
      match[1]!.replace(/"((?:[^"\\]|\\.)*)"|'([^']*)'|\\(.)/gs, (_, double?: string, single?: string, one?: string) =>
        double !== undefined ? double.replace(/\\(["\\$`])/g, "$1") : (single ?? one ?? ""),
      ),
    )
  }
  if (text.slice(end).trim() === "") return words
  throw vaultError("the command of --from has a quote that does not end", "close it", EXIT.usage)
}
