// What a registry offers besides packages: answered from our own data where it can be, else handed on as it is.
import { type Answer, errorAnswer } from "../answer.ts"
import { readSumdbPath } from "../protocols/golang/sumdb.ts"
import { answerAdvisories } from "../protocols/npm/advisories.ts"
import type { FrontRequest, Rendered } from "../types.ts"
import { failed } from "./open.ts"
import type { Asked, Front, Law } from "./types.ts"

/** Answers a service request. What is handed on is metadata without code: signature keys, attestations, a checksum database. */
export async function answerService(
  front: Front,
  asked: Asked,
  request: FrontRequest & { kind: "service" },
): Promise<Answer> {
  const law = front.law()
  const record = () =>
    front.recorder.listed(asked.who, `${asked.ecosystem} ${request.service}`, law.policy.hash, {
      form: request.service,
      client: asked.client,
    })
  const own = front.protocols.get(asked.ecosystem)?.answerService?.(request, asked.base)
  if (own !== undefined) {
    await record()
    return ok(own)
  }
  if (asked.ecosystem === "npm" && request.service === "advisories") {
    const rendered = answerAdvisories(asked.body ?? Buffer.alloc(0), law.evidence.advisories)
    if (rendered === undefined) return errorAnswer(400, "that is no question about advisories")
    await record()
    return ok(rendered)
  }
  const address = addressOf(law, asked, request)
  if (address === undefined) return errorAnswer(404, "there is nothing here by that name")
  const { authorize } = address
  const metadata = await front.upstream.metadata({
    url: address.url,
    accept: "application/json, text/plain, */*",
    authorize,
  })
  if (!metadata.ok) {
    const answer = failed(law, asked.ecosystem, "", metadata)
    return "answer" in answer ? answer.answer : errorAnswer(502, "the upstream refuses this")
  }
  await record()
  return {
    status: 200,
    headers: { "content-type": address.contentType, "cache-control": "no-cache" },
    body: metadata.body,
  }
}

/** Where the upstream has what is handed on; `rest` was read strictly by the protocol. */
function addressOf(law: Law, { ecosystem }: Asked, { service, rest = "" }: FrontRequest & { kind: "service" }) {
  const upstream = law.evidence.upstreamOf(ecosystem, nameOf(service, rest))
  if (upstream === undefined) return undefined
  const { base, own, authorize } = upstream
  // A public database must not hear of a module that comes from a registry of its own.
  if (service === "sumdb" && base !== own) return undefined
  const at = (path: string, contentType: string) => ({ url: `${base}/${path}`, authorize, contentType })
  if (ecosystem === "npm" && service === "keys") return at("-/npm/v1/keys", "application/json")
  if (ecosystem === "npm" && service === "attestations")
    return at(`-/npm/v1/attestations/${rest.replace("/", "%2f")}`, "application/json")
  if (ecosystem === "golang" && service === "sumdb") return at(`sumdb/${rest}`, "application/octet-stream")
  return undefined
}

/** The package that a request names, and with it the registry that may hear of it; "" where it names none. */
function nameOf(service: string, rest: string): string {
  if (service === "attestations") return rest.slice(0, rest.lastIndexOf("@"))
  return service === "sumdb" ? (readSumdbPath(rest)?.module?.name ?? "") : ""
}

const ok = ({ contentType, headers, body }: Rendered): Answer => ({
  status: 200,
  headers: { "content-type": contentType, "cache-control": "no-cache", ...headers },
  body,
})
