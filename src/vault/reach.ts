// Where a credential may go. A pattern that reaches what strangers can register is no binding at all.
import { compileGlob, isNormalPath } from "../policy/glob.ts"
import { parseHostPattern } from "../policy/hosts.ts"
import type { Reach } from "./types.ts"

/** Labels under which countries let people register, as in `co.uk`; a short list of habits, not the Public Suffix List. */
const REGISTRIES =
  /^(?:ac|co|com|edu|gen|go|gob|gov|gouv|gv|id|in|ltd|me|mil|ne|net|nhs|nom|or|org|plc|sch|web)\.[a-z]{2}$/

/** Places where anybody gets a name of their own in a minute. */
const SHARED: ReadonlySet<string> = new Set([
  ...["github.io", "githubusercontent.com", "gitlab.io", "pages.dev", "workers.dev", "r2.dev", "vercel.app", "now.sh"],
  ...["netlify.app", "herokuapp.com", "web.app", "firebaseapp.com", "firebaseio.com", "appspot.com", "run.app"],
  ...[
    "cloudfunctions.net",
    "azurewebsites.net",
    "azurestaticapps.net",
    "cloudapp.net",
    "windows.net",
    "core.windows.net",
  ],
  ...[
    "blob.core.windows.net",
    "azurefd.net",
    "cloudfront.net",
    "amazonaws.com",
    "s3.amazonaws.com",
    "elb.amazonaws.com",
  ],
  ...["execute-api.amazonaws.com", "on.aws", "awsapprunner.com", "amplifyapp.com", "fly.dev", "onrender.com"],
  ...[
    "railway.app",
    "repl.co",
    "replit.app",
    "replit.dev",
    "glitch.me",
    "surge.sh",
    "deno.dev",
    "ngrok.io",
    "ngrok.app",
  ],
  ...["ngrok.dev", "ngrok-free.app", "ngrok-free.dev", "trycloudflare.com", "loca.lt", "serveo.net", "lhr.life"],
  ...["blogspot.com", "wordpress.com", "myshopify.com", "wixsite.com", "webflow.io", "translate.goog", "duckdns.org"],
  ...["nip.io", "sslip.io", "xip.io", "requestbin.net", "pipedream.net", "beeceptor.com", "oast.fun", "oastify.com"],
  ...["interact.sh", "webhook.site", "codespaces.dev", "app.github.dev", "devtunnels.ms", "hf.space", "streamlit.app"],
])

/**
 * What is wrong with a reach; undefined where nothing is. `signed` is for credentials that never leave (AWS's signatures): for them a
 * wildcard below `amazonaws.com` gives nothing away.
 */
export function checkReach({ hosts, paths = [] }: Reach, signed = false): string | undefined {
  for (const text of hosts) {
    const wrong = checkHost(text, signed)
    if (wrong !== undefined) return wrong
  }
  const bad = paths.find(
    (path) => !compileGlob(path) || !/^(?:\/|\*\*\/)/.test(path) || !isNormalPath(path.replace(/^\*\*/, "")),
  )
  return bad === undefined ? undefined : "wants paths that start with /, * within a segment, ** for whole ones"
}

function checkHost(text: string, signed: boolean): string | undefined {
  const pattern = parseHostPattern(text)
  if (!pattern) return "wants hosts such as api.example.com or *.example.com, without scheme, port or path"
  if (pattern.kind === "exact") return undefined
  if (pattern.kind === "any") return "wants hosts by name: ** would let it go anywhere"
  const { suffix } = pattern
  if (signed && suffix === "amazonaws.com") return undefined
  if (!suffix.includes(".") || REGISTRIES.test(suffix) || SHARED.has(suffix))
    return "wants a wildcard below a name of one owner: below this one anybody can have a host"
  return undefined
}
