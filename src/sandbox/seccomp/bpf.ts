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
 * architecture's calls end the process. Compiled once in a process, and quickly: a box waits for it.
 */
export function compileSeccomp(architecture: Architecture): Uint8Array {
  const known = compiled.get(architecture)
  if (known) return known
  const program: Instruction[] = [
    [LOAD, 0, 0, ARCH],
    [EQUAL, 1, 0, AUDIT_ARCH[architecture]],
    [RETURN, 0, 0, KILL],
    [LOAD, 0, 0, NUMBER],
  ]
  const spans = readSpans(architecture)
  search(program, spans, 0, spans.length)
  const bytes = encode(program)
  compiled.set(architecture, bytes)
  return bytes
}

/** The answers of all numbers, neighbours of one answer as one span, in their order. */
function readSpans(architecture: Architecture): Span[] {
  const answers = new Map<string, number | (readonly Condition[])[]>()
  for (const name of ALLOWED) answers.set(name, ALLOW)
  for (const name of ABSENT) answers.set(name, UNKNOWN)
  for (const { names, when } of RULES) {
    for (const name of names) {
      const rules = answers.get(name)
      if (typeof rules === "object") rules.push(when)
      else answers.set(name, [when])
    }
  }
  const spans: Span[] = [{ from: 0, answer: UNKNOWN }]
  const add = (from: number, answer: Span["answer"]) => {
    if (spans.at(-1)?.from === from) spans.pop()
    if (spans.at(-1)?.answer !== answer) spans.push({ from, answer })
  }
  for (const [name, number] of readNumbers(architecture)) {
    add(number, answers.get(name) ?? REFUSE)
    add(number + 1, UNKNOWN)
  }
  if (architecture === "x64") add(X32, REFUSE)
  return spans
}

/** Appends a binary search for the span of the loaded number among those from `start` to before `end`. */
function search(program: Instruction[], spans: readonly Span[], start: number, end: number): void {
  const middle = (start + end) >> 1
  if (middle === start) {
    const answer = spans[start]?.answer ?? UNKNOWN
    if (typeof answer === "number") program.push([RETURN, 0, 0, answer])
    else testRules(program, answer)
    return
  }
  // A conditional jump reaches 255 instructions, an unconditional one all of them.
  program.push([AT_LEAST, 0, 1, spans[middle]?.from ?? 0])
  const jump = program.push([JUMP, 0, 0, 0]) - 1
  search(program, spans, start, middle)
  program[jump] = [JUMP, 0, 0, program.length - jump - 1]
  search(program, spans, middle, end)
}

/** Appends a test that allows where every condition of one of the rules holds. */
function testRules(program: Instruction[], rules: readonly (readonly Condition[])[]): void {
  for (const conditions of rules) {
    conditions.forEach(({ argument, mask, value }, index) => {
      const others = conditions.length - index - 1
      program.push([LOAD, 0, 0, ARGUMENTS + 8 * argument], [AND, 0, 0, mask], [EQUAL, 0, 3 * others + 1, value])
    })
    program.push([RETURN, 0, 0, ALLOW])
  }
  program.push([RETURN, 0, 0, REFUSE])
}

function encode(program: readonly Instruction[]): Uint8Array {
  const bytes = new Uint8Array(8 * program.length)
  const view = new DataView(bytes.buffer)
  let at = 0
  for (const [code, ifTrue, ifFalse, value] of program) {
    view.setUint16(at, code, true)
    view.setUint8(at + 2, ifTrue)
    view.setUint8(at + 3, ifFalse)
    view.setUint32(at + 4, value, true)
    at += 8
  }
  return bytes
}
