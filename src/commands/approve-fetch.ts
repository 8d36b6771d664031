// What the live queue shows besides the card, fetched when it is asked for: the body as it was sent, and a line of policy.
import type { Approval, NetworkArguments } from "../approvals/types.ts"
import type { Context } from "../context.ts"
import { askGate } from "../gateway/control-client.ts"
import { bodyLines } from "../render/card-body.ts"
import { cleanText } from "../render/clean.ts"

/** The body of a held request as clean lines; why there is none where the gate has none, or does not run. */
export async function fetchBody(ctx: Pick<Context, "env">, { id, binding }: Approval): Promise<string[]> {
  const { body } = binding.arguments as unknown as NetworkArguments
  if (binding.kind !== "network" || body === undefined) return ["the request has none"]
  try {
    const found = await askGate<{ body?: unknown }>(ctx, "GET", `/v1/approvals/${id}/body`)
    if (typeof found?.body !== "string")
      return ["the gate does not have it any more; the values above and its hash are what is signed"]
    return bodyLines(Buffer.from(found.body, "base64"), body)
  } catch (error) {
    return [`it cannot be shown: ${cleanText(error instanceof Error ? error.message : String(error), 200)}`]
  }
}

/** A rule that would say without asking what was asked, as lines of YAML to look at. */
export async function proposeRule({ binding }: Approval): Promise<string[]> {
  if (binding.kind !== "network") return ["There is one for requests of the network only."]
  return [cleanText(binding.subject)]
}
