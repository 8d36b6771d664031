// Slack's Web API (docs.slack.dev/apis/web-api): methods by name, with GET and POST alike. Those that only read are listed; every other one writes.

import { type Found, isRead, type Service, strictest } from "./service.ts"
import { SLACK_READS, SLACK_WRITES } from "./slack-methods.ts"
import type { SeenRequest } from "./types.ts"

const KNOWN = new Map([...SLACK_READS, ...SLACK_WRITES].map((name) => [name.toLowerCase(), name]))

function classify(seen: SeenRequest): Found {
  const method = /^\/api\/([A-Za-z0-9_.]+)\/?$/.exec(seen.path)?.[1]
  if (method !== undefined) {
    const known = KNOWN.get(method.toLowerCase()) ?? method
    const operation = `slack:${known}`
    // In other letters it may be that method, or none.
    if (known !== method) return { operation, access: "write", unread: "ambiguous" }
    return { operation, access: SLACK_READS.has(method) ? "read" : "write" }
  }
  if (seen.host === "hooks.slack.com") return { operation: "slack:webhook", access: "write" }
  // Files, where an upload went to an address that `files.getUploadURLExternal` gave out.
  if (seen.host === "files.slack.com")
    return isRead(seen.method)
      ? { operation: "slack:file", access: "read" }
      : { operation: "slack:upload", access: "write" }
  return strictest(undefined)
}

export const slackService: Service = {
  name: "slack",
  hosts: ["slack.com", "*.slack.com"],
  classify,
}
