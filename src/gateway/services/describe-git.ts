// A git push, for people: what becomes of which ref (gitprotocol-pack, "Reference Update Request and Packfile Transfer").
import { shown, shownBytes } from "./shown.ts"
import type { ShownPart, ShownValue } from "./types.ts"

const MAX_REFS = 500
const COMMAND = /^([0-9a-f]{40}|[0-9a-f]{64}) ([0-9a-f]{40}|[0-9a-f]{64}) ([^\0\n]+)/

interface Line {
  /** Undefined for a flush. */
  text?: string
  next: number
}

/** A pkt-line (gitprotocol-common); undefined where there is none. */
function readLine(bytes: Buffer, at: number): Line | undefined {
  const head = bytes.toString("latin1", at, at + 4)
  if (!/^[0-9a-fA-F]{4}$/.test(head)) return undefined
  const length = Number.parseInt(head, 16)
  if (length === 0) return { next: at + 4 }
  if (length < 4 || at + length > bytes.length) return undefined
  return { text: bytes.toString("utf8", at + 4, at + length), next: at + length }
}

export interface Push {
  updates: readonly { ref: string; from: string; to: string }[]
  options: readonly string[]
  signed: boolean
  pack: Buffer
}

/** The request of a push; undefined where it is none. */
export function readPush(bytes: Buffer): Push | undefined {
  const updates: { ref: string; from: string; to: string }[] = []
  const options: string[] = []
  let signed = false
  let capabilities = ""
  let at = 0
  let flushes = 0
  let wanted = 1
  while (flushes < wanted) {
    const line = readLine(bytes, at)
    if (!line) return undefined
    at = line.next
    if (line.text === undefined) {
      flushes += 1
      if (flushes === 1 && capabilities.split(/[ \n]/).includes("push-options")) wanted = 2
      continue
    }
    if (flushes === 1) {
      options.push(line.text.replace(/\n$/, ""))
      continue
    }
    if (line.text.startsWith("push-cert\0")) signed = true
    const mark = line.text.indexOf("\0")
    if (mark >= 0 && capabilities === "") capabilities = line.text.slice(mark + 1)
    const [, from, to, ref] = COMMAND.exec(line.text) ?? []
    if (from !== undefined && to !== undefined && ref !== undefined) updates.push({ ref, from, to })
    else if (!signed && !/^shallow [0-9a-f]+\n?$/.test(line.text)) return undefined
    if (updates.length + options.length > MAX_REFS * 20) return undefined
  }
  return { updates, options, signed, pack: bytes.subarray(at) }
}

const isZero = (id: string) => /^0+$/.test(id)

/** The parts of a push. Whether an update throws away commits is not in it: only the repository knows. */
export function pushParts(push: Push): ShownPart[] {
  const values: ShownValue[] = push.updates.slice(0, MAX_REFS).map(({ ref, from, to }) => {
    if (isZero(to)) return shown(ref, `delete, was ${from}`)
    if (isZero(from)) return shown(ref, `create at ${to}`)
    return shown(ref, `update ${from} to ${to}; whether it is forced is not known`)
  })
  const more = push.updates.length - values.length
  const pack: ShownValue[] = []
  if (push.pack.length > 0) {
    const objects =
      push.pack.toString("latin1", 0, 4) === "PACK" && push.pack.length >= 12 ? push.pack.readUInt32BE(8) : undefined
    pack.push(shownBytes("pack", push.pack, objects === undefined ? "" : `${objects} objects`))
  }
  const options = push.options.slice(0, 50).map((option, index) => shown(`option ${index + 1}`, option))
  if (push.signed) options.push(shown("signed", "with a push certificate"))
  const others = [...pack, ...options]
  return [
    { title: "refs", values, ...(more > 0 && { more }) },
    ...(others.length > 0 ? [{ title: "push", values: others }] : []),
  ]
}
