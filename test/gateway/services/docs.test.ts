// docs/services.md says what the tables say. NANOGUARD_WRITE_DOCS=1 writes it anew.
import { readFileSync, writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { expect, it } from "vitest"
import { readsByName } from "../../../src/gateway/services/aws.ts"
import { AWS_ROUTES } from "../../../src/gateway/services/aws-routes.ts"
import { S3_ROWS } from "../../../src/gateway/services/aws-s3.ts"
import { GOOGLE_ROUTES } from "../../../src/gateway/services/google-routes.ts"
import { SERVICES } from "../../../src/gateway/services/known.ts"
import { SLACK_READS, SLACK_WRITES } from "../../../src/gateway/services/slack-methods.ts"
import { SERVICES as NAMES } from "../../../src/policy/service-names.ts"

const FILE = fileURLToPath(new URL("../../../docs/services.md", import.meta.url))
const MARK = "<!-- tables -->\n"

/** What no table says: how the service tells its requests apart. */
const HOW: Readonly<Record<string, string>> = {
  github:
    "REST by method and path, named as in GitHub's OpenAPI description, on Enterprise Server below `/api/v3`; `github:query`, `github:mutation` and `github:subscription` for GraphQL. On the site itself git, and the rest by method.",
  gitlab: "REST v4 by method and path, `/api/graphql` as `gitlab:query` and so on, and git on the same host.",
  git: "Git's smart protocol and Git LFS, on GitHub's and GitLab's hosts, too: `git:fetch` and `git:lfs.download` read, `git:push` and `git:lfs.upload` write. The refs that a push reads first are a fetch's: a person is asked once, about the request that says which refs it moves.",
  npm: "By method and path, where a rule names it. The gate for packages serves known registries itself; this is for publishing.",
  pypi: "The upload API, where a rule names it.",
  cargo: "The registry's web API, where a rule names it.",
  slack:
    "By the method's name, `slack:chat.postMessage`, with GET and POST alike; webhooks are `slack:webhook`, files `slack:file` and `slack:upload`. Methods that are not listed write.",
  linear: "GraphQL: `linear:query`, `linear:mutation`, `linear:subscription`; `graphql.fields` tells mutations apart.",
  stripe:
    "API v1, read off the path: `stripe:charges.create`, `stripe:payment_intents.confirm`, `stripe:customers.sources.delete`, `stripe:checkout.sessions.expire`. v2 by method.",
  aws: "By the service that the request is signed for and the action's name: `aws:dynamodb.GetItem`, `aws:ec2.RunInstances`, `aws:s3.PutObject`. Names that begin with Get, List, Describe, Head, BatchGet, BatchDescribe, Query, Scan, Search, Select, Lookup, Count or TransactGet read, but for what hands out credentials. REST services without a table here are `aws:<service>.<method>`, `aws:apigateway.get`.",
  google:
    "By API, resource and method as in Google's discovery documents; other APIs are `google:<api>.<verb>` (`google:firestore.runQuery`) or `google:<api>.<method>` (`google:compute.post`). Batches are `google:batch`, and ambiguous.",
  anthropic: "By method and path. A model's host.",
  openai:
    "By method and path below the base address of each provider. A model's host. `service: openai` for any other that speaks it.",
  graphql: "Where a rule names it: `graphql:query` reads, `graphql:mutation` and `graphql:subscription` write.",
  mcp: "Streamable HTTP, where a rule names it: `mcp:` and the JSON-RPC method, `mcp:tools/call`, `mcp:tools/list`. Listing, reading resources and prompts, and what opens a session read; `tools/call` and all others write.",
}

const names = (list: Iterable<string>) =>
  [...new Set(list)]
    .sort()
    .map((name) => `\`${name}\``)
    .join(", ")
const lines = (rows: readonly { name: string; access: string }[]) =>
  (["read", "write"] as const).flatMap((access) => {
    const found = rows.filter((row) => row.access === access).map((row) => row.name)
    return found.length === 0 ? [] : ["", `${access === "read" ? "Read" : "Write"}: ${names(found)}`]
  })

function tables(): string {
  const text = SERVICES.flatMap(({ name, hosts, routes }) => {
    const rows = (routes?.rows ?? []).map((row) => ({ name: row.operation, access: row.access }))
    if (name === "slack") {
      rows.push(...[...SLACK_READS].map((method) => ({ name: method, access: "read" as const })))
      rows.push(...[...SLACK_WRITES].map((method) => ({ name: method, access: "write" as const })))
    }
    if (name === "google")
      for (const { rows: more } of GOOGLE_ROUTES.values())
        rows.push(...more.map((row) => ({ name: row.operation, access: row.access })))
    if (name === "aws") {
      const actions = [
        ...S3_ROWS.map((row) => `s3.${row.action}`),
        ...[...AWS_ROUTES].flatMap(([service, { rows: more }]) => more.map((row) => `${service}.${row.operation}`)),
      ]
      rows.push(
        ...actions.map((action) => ({
          name: action,
          access: readsByName(action.replace(/^.*\./, "")) ? ("read" as const) : ("write" as const),
        })),
      )
    }
    const where =
      hosts.length === 0 ? "Only where a rule names it." : `Hosts: ${hosts.map((host) => `\`${host}\``).join(", ")}`
    return [`### ${name}`, HOW[name] ?? "", "", where, ...lines(rows), ""]
  })
  return `\n${text.join("\n")}`
}

it("knows the services that a policy can name", () => {
  expect(SERVICES.map((service) => service.name)).toEqual([...NAMES])
})

it("says what is known of each service", () => {
  const page = readFileSync(FILE, "utf8")
  const head = page.slice(0, page.indexOf(MARK) + MARK.length)
  expect(Object.keys(HOW).sort()).toEqual(SERVICES.map((service) => service.name).sort())
  const wanted = head + tables()
  if (process.env["NANOGUARD_WRITE_DOCS"] === "1") writeFileSync(FILE, wanted)
  expect(readFileSync(FILE, "utf8")).toBe(wanted)
})
