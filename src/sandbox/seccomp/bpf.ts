// The profile as a classic BPF program over struct seccomp_data (Linux, Documentation/userspace-api/seccomp_filter.rst), for
// launchers that load one themselves.
import { type Architecture, readNumbers } from "./numbers.ts"
import { ERRNO } from "./profile.ts"
import { ABSENT, ALLOWED, type Condition, RULES } from "./rules.ts"

/** One struct sock_filter. */
type Instruction = readonly [code: number, ifTrue: number, ifFalse: number, value: number]
/** What comes of the calls from number `from` on: an answer, or rules of which one must hold. */
interface Span {
  from: number
  answer: number | readonly (readonly Condition[])[]
}

// linux/bpf_common.h: BPF_LD|W|ABS, BPF_JMP|{JA,JEQ,JGE}|K, BPF_ALU|AND|K, BPF_RET|K.
const [LOAD, JUMP, EQUAL, AT_LEAST, AND, RETURN] = [0x20, 0x05, 0x15, 0x35, 0x54, 0x06]
// linux/seccomp.h
const ALLOW = 0x7fff0000
const KILL = 0x80000000
const REFUSE = 0x00050000 | ERRNO.EPERM
const UNKNOWN = 0x00050000 | ERRNO.ENOSYS
// linux/audit.h
const AUDIT_ARCH = { x64: 0xc000003e, arm64: 0xc00000b7 } as const
// The x32 ABI of x86: calls of 64 bits with this bit set.
const X32 = 0x40000000
// Offsets of struct seccomp_data; both architectures are little endian, so that the low half of an argument comes first.
const [NUMBER, ARCH, ARGUMENTS] = [0, 4, 16]

const compiled = new Map<Architecture, Uint8Array>()

/**
 * The filter program for `bwrap --seccomp`: struct sock_filter after struct sock_filter, little endian. What the profile knows and
 * does not allow is EPERM; numbers that it does not know are ENOSYS, as on a kernel that is older than they; another
 * architecture's calls end the process. Compiled once in a process.
 */
export function compileSeccomp(architecture: Architecture): Uint8Array {
  const known = compiled.get(architecture)
  if (known) return known
  const bytes = encode([
    [LOAD, 0, 0, ARCH],
    [EQUAL, 1, 0, AUDIT_ARCH[architecture]],
    [RETURN, 0, 0, KILL],
    [LOAD, 0, 0, NUMBER],
    ...search(readSpans(architecture)),
  ])
  compiled.set(architecture, bytes)
  return bytes
}

/** The answers of all numbers, neighbours of one answer as one span, in their order. */
function readSpans(architecture: Architecture): Span[] {
  const allowed = new Set(ALLOWED)
  const absent = new Set(ABSENT)
  const rules = new Map<string, (readonly Condition[])[]>()
  for (const { names, when } of RULES) {
    for (const name of names) rules.set(name, [...(rules.get(name) ?? []), when])
  }
  const numbers = [...readNumbers(architecture)].sort(([, one], [, other]) => one - other)
  const spans: Span[] = [{ from: 0, answer: UNKNOWN }]
  const add = (from: number, answer: Span["answer"]) => {
    const last = spans.at(-1)
    if (last?.from === from) spans.pop()
    if (spans.at(-1)?.answer !== answer) spans.push({ from, answer })
  }
  for (const [name, number] of numbers) {
    add(number, rules.get(name) ?? (allowed.has(name) ? ALLOW : absent.has(name) ? UNKNOWN : REFUSE))
    add(number + 1, UNKNOWN)
  }
  if (architecture === "x64") add(X32, REFUSE)
  return spans
}

/** A binary search for the span of the number that is loaded. */
function search(spans: readonly Span[]): Instruction[] {
  const [first] = spans
  if (first === undefined) return []
  if (spans.length === 1) return typeof first.answer === "number" ? [[RETURN, 0, 0, first.answer]] : test(first.answer)
  const middle = spans.length >> 1
  const below = search(spans.slice(0, middle))
  // A conditional jump reaches 255 instructions, an unconditional one all of them.
  return [
    [AT_LEAST, 0, 1, spans[middle]?.from ?? 0],
    [JUMP, 0, 0, below.length],
    ...below,
    ...search(spans.slice(middle)),
  ]
}

/** Allows where every condition of one of the rules holds. */
function test(rules: readonly (readonly Condition[])[]): Instruction[] {
  return [...rules.flatMap(testRule), [RETURN, 0, 0, REFUSE]]
}

function testRule(conditions: readonly Condition[]): Instruction[] {
  let code: Instruction[] = [[RETURN, 0, 0, ALLOW]]
  for (const { argument, mask, value } of conditions.toReversed()) {
    const rest = code.length
    code = [[LOAD, 0, 0, ARGUMENTS + 8 * argument], [AND, 0, 0, mask], [EQUAL, 0, rest, value], ...code]
  }
  return code
}

function encode(program: readonly Instruction[]): Uint8Array {
  const bytes = new Uint8Array(8 * program.length)
  const view = new DataView(bytes.buffer)
  program.forEach(([code, ifTrue, ifFalse, value], index) => {
    view.setUint16(8 * index, code, true)
    view.setUint8(8 * index + 2, ifTrue)
    view.setUint8(8 * index + 3, ifFalse)
    view.setUint32(8 * index + 4, value, true)
  })
  return bytes
}
