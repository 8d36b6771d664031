// Git over HTTPS (gitprotocol-http) and Git LFS: who fetches reads, who pushes writes.
import { bodyOf, jsonOf } from "./body.ts"
import { isObject, memberOf } from "./json.ts"
import { splitPairs, valuesOf } from "./readings.ts"
import { byMethod, type Found, isRead, type Service, strictest } from "./service.ts"
import type { SeenRequest } from "./types.ts"

const FETCH: Found = { service: "git", operation: "git:fetch", access: "read" }
const PUSH: Found = { service: "git", operation: "git:push", access: "write" }
const LFS_BATCH = "/info/lfs/objects/batch"

/** What a request is to a git server; undefined where it is none of git's. */
export function classifyGit(seen: SeenRequest): Found | undefined {
  const { method, path } = seen
  const type = bodyOf(seen).media.type
  if (path.endsWith("/info/refs") && isRead(method)) return classifyRefs(seen)
  if (path.endsWith("/git-receive-pack")) return isProbe(seen) ? FETCH : PUSH
  // The server takes no other type for one (http-backend); any other POST to an address that ends so is something else.
  if (path.endsWith("/git-upload-pack") && method === "POST" && type === "application/x-git-upload-pack-request")
    return FETCH
  if (path.endsWith(LFS_BATCH) && method === "POST") return classifyLfs(seen)
  if (path.endsWith("/info/lfs/locks/verify") && method === "POST")
    return { service: "git", operation: "git:lfs.locks", access: "read" }
  return undefined
}

function classifyRefs(seen: SeenRequest): Found {
  const pairs = splitPairs(seen.query)
  const wanted = pairs ? valuesOf(pairs, "service", "either") : ["", ""]
  // A push reads the refs first, as a fetch does: what a person is asked about is the request that says which of them it moves. Without a
  // service: the refs as a file, for clients that know no smart protocol.
  const known = wanted.length === 0 || wanted[0] === "git-upload-pack" || wanted[0] === "git-receive-pack"
  return known && wanted.length <= 1 ? FETCH : { ...PUSH, unread: "ambiguous" }
}

/** Before a pack that is longer than its buffer git sends an empty list of updates, to see whether it is let in (gitprotocol-http). */
const PROBE = "0000"

const isProbe = (seen: SeenRequest) =>
  seen.method === "POST" && seen.unread === undefined && seen.body?.toString("latin1") === PROBE

/** Git LFS, batch API: `operation` says whether objects go up or come down. */
function classifyLfs(seen: SeenRequest): Found {
  const body = bodyOf(seen)
  const read = jsonOf(body)
  if (body.kind === "none" || read.unread) return { ...strictest(read.unread), service: "git" }
  const operation = isObject(read.value) ? memberOf(read.value, "operation") : { value: undefined }
  if ("unread" in operation) return { ...strictest(), service: "git" }
  if (operation.value === "download") return { service: "git", operation: "git:lfs.download", access: "read" }
  return { service: "git", operation: "git:lfs.upload", access: "write" }
}

/** A list of updates that may be empty is read for that; of longer ones the head says enough. */
export const gitNeedsBody = ({ method, path, headers }: SeenRequest): boolean =>
  method === "POST" &&
  (path.endsWith(LFS_BATCH) || (path.endsWith("/git-receive-pack") && headers["content-length"] === `${PROBE.length}`))

export const gitService: Service = {
  name: "git",
  hosts: ["bitbucket.org", "codeberg.org", "git.sr.ht"],
  needsBody: gitNeedsBody,
  classify: (seen) => classifyGit(seen) ?? byMethod(seen),
}
