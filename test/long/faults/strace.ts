// What a process did to the files below a directory, as strace recorded it.
import { readFileSync } from "node:fs"

/** One call that succeeded. `start` and `end` are its places in the order of all that was recorded. */
export interface Call {
  name: string
  /** Strings as bytes, everything else as text. */
  args: (Buffer | string)[]
  result: number
  start: number
  end: number
}

/** Calls that change what is on a disk, or tell which file a number stands for. */
const TRACED = [
  ...["open", "openat", "creat", "close", "write", "pwrite64", "writev", "pwritev", "ftruncate", "fallocate"],
  ...[
    "fsync",
    "fdatasync",
    "unlink",
    "unlinkat",
    "rename",
    "renameat",
    "renameat2",
    "link",
    "linkat",
    "mkdir",
    "mkdirat",
  ],
]

/** The arguments of strace before the program's: strings whole and in hexadecimal, one line a call. */
export function straceArguments(output: string): string[] {
  return [
    "-f",
    "--seccomp-bpf",
    "-xx",
    "-s",
    "1000000",
    "-e",
    `trace=${TRACED.join(",")}`,
    "-e",
    "signal=none",
    "-o",
    output,
  ]
}

/** Reads what strace wrote, calls in the order in which they began. One that never returned ends at the end. */
export function readTrace(file: string): Call[] {
  const calls: Call[] = []
  const pending = new Map<string, { text: string; start: number }>()
  const lines = readFileSync(file, "latin1").split("\n")
  const add = (text: string, start: number, end: number) => {
    const call = readCall(text, start, end)
    if (call) calls.push(call)
  }
  for (const [at, line] of lines.entries()) {
    const [, pid, text] = /^(\d+) +(.*)$/.exec(line) ?? []
    if (pid === undefined || text === undefined) continue
    const resumed = /^<\.\.\. \w+ resumed>/.exec(text)
    const before = pending.get(pid)
    if (resumed && before) {
      pending.delete(pid)
      add(before.text + text.slice(resumed[0].length), before.start, at)
    } else if (text.endsWith("<unfinished ...>")) {
      pending.set(pid, { text: text.slice(0, -"<unfinished ...>".length), start: at })
    } else add(text, at, at)
  }
  return calls.sort((a, b) => a.start - b.start)
}

function readCall(text: string, start: number, end: number): Call | undefined {
  const [, name, list, result] = /^(\w+)\((.*)\) += (-?\d+)/.exec(text) ?? []
  if (name === undefined || list === undefined || Number(result) < 0) return undefined
  const args = list.split(", ").map((part) => {
    const [, bytes] = /^"((?:\\x[0-9a-f]{2})*)"$/.exec(part.trim()) ?? []
    return bytes === undefined ? part.trim() : Buffer.from(bytes.replaceAll("\\x", ""), "hex")
  })
  return { name, args, result: Number(result), start, end }
}
