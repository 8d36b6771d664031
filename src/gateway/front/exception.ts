// Asking for an exception: people, for what our policy refuses; the registry, for what its own does.
import { EXIT, NanoguardError } from "../../errors.ts"
import { parsePurl } from "../../packages/purl.ts"
import type { Ecosystem } from "../../policy/types.ts"
import type { ExceptionAsked, ExceptionRequest } from "../control.ts"
import { isWaiverReason } from "../upstream/waiver.ts"
import { integrityOf } from "./decide.ts"
import { filesOf, openPackage } from "./open.ts"
import type { Front } from "./types.ts"
import { askedBy } from "./why.ts"

/** Puts the question where it can be answered; undefined where too much waits for people already. Throws `NanoguardError` where nobody can be asked. */
export async function requestException(front: Front, request: ExceptionRequest): Promise<ExceptionAsked | undefined> {
  const { who, verdict, reason } = request
  if (verdict.code === "registry.refused") return askRegistry(front, request)
  return front.desk.requestException(
    who,
    front.law().policy,
    verdict,
    await integrityNow(front, verdict.subject),
    reason,
  )
}

/** The hash that the registry promises of a version: what is agreed to are these bytes. Undefined where it promises none, or does not answer. */
async function integrityNow(front: Front, subject: string): Promise<string | undefined> {
  const parsed = parsePurl(subject)
  const protocol = front.protocols.get(parsed?.ecosystem as Ecosystem)
  if (parsed?.version === undefined || protocol === undefined) return undefined
  const opened = await openPackage(front, front.law(), askedBy(protocol.ecosystem), protocol, parsed.name)
  return opened.ok ? integrityOf(opened, parsed.version) : undefined
}

/** A request for a waiver of JFrog Curation, at the address of the artifact. */
async function askRegistry(front: Front, { verdict, reason }: ExceptionRequest): Promise<ExceptionAsked> {
  const url = await artifactUrl(front, verdict.subject)
  if (!isWaiverReason(reason)) {
    throw new NanoguardError("the registry takes reasons of 5 to 300 plain characters", {
      exit: EXIT.usage,
      hint: "write it in one line, without accents",
    })
  }
  const answer = await front.upstream.requestWaiver(url, reason)
  if ("state" in answer) return { id: answer.id, state: answer.state, expires: "", registry: answer.state }
  throw new NanoguardError(`the registry takes no request: ${answer.detail}`, {
    exit: EXIT.environment,
    hint: "ask whoever runs the registry",
  })
}

async function artifactUrl(front: Front, subject: string) {
  const parsed = parsePurl(subject)
  const protocol = front.protocols.get(parsed?.ecosystem as Ecosystem)
  if (parsed !== undefined && protocol !== undefined) {
    const opened = await openPackage(front, front.law(), askedBy(protocol.ecosystem), protocol, parsed.name)
    const file = opened.ok ? filesOf(protocol, opened, parsed.version)[0] : undefined
    if (opened.ok && file !== undefined) return { url: file.url, authorize: opened.authorize }
  }
  throw new NanoguardError("the registry says nothing of that package", {
    exit: EXIT.nothingChecked,
    hint: "ask whoever runs the registry",
  })
}
