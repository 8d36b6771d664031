// What the live queue shows besides the card, fetched when it is asked for: the body as it was sent, and a line of policy.
import { readNetwork } from "../approvals/read-arguments.ts"
import type { Approval } from "../approvals/types.ts"
import type { Context } from "../context.ts"
import { readFromGate } from "../gateway/control-client.ts"
import { grantLine } from "../policy/grant-line.ts"
import { bodyLines } from "../render/card-body.ts"
import { cleanText } from "../render/clean.ts"

/** The body of a held request as clean lines; why there is none where the gate has none, or does not run. */
export async function fetchBody(ctx: Pick<Context, "env">, { id, binding }: Approval): Promise<string[]> {
  const body = readNetwork(binding)?.body
  if (body === undefined) return ["the request has none"]
  try {
    const bytes = await readFromGate(ctx, `/v1/approvals/${id}/body`)
    if (bytes === undefined)
      return ["the gate does not have it: what is above, with the hash of the body, is what is signed"]
    return bodyLines(bytes, body)
  } catch (error) {
    return [`it cannot be shown: ${cleanText(error instanceof Error ? error.message : String(error), 200)}`]
  }
}

/** A rule that would let through without asking what was asked, as clean lines of YAML to look at. */
export function proposeRule({ binding }: Approval): string[] {
  const request = readNetwork(binding)
  if (request === undefined) return ["Only requests of the network have one."]
  const { method, scheme, host, port, path, operation, access, credential } = request
  const line = grantLine(
    {
      ...{ kind: "network", method, scheme, host, port, path },
      ...(operation !== undefined && { operation }),
      ...(access !== undefined && { access }),
    },
    { credentials: credential?.split(", ") ?? [] },
  )
  if (line === undefined) return ["There is no line that should allow this without asking."]
  return [
    ...["network:", ...line.split("\n").map((part) => `  ${cleanText(part, 1000)}`), ""],
    `It outweighs no rule that asks: ${cleanText(request.rule, 80)} would have to make way for it.`,
  ]
}
