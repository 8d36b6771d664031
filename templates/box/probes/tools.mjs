// What the probes are made of: connections with a bound on time, and system calls by an interpreter that can make any.
import { spawnSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { connect } from "node:net"

/** What the machine outside set up for the probes to find: see src/sandbox/selftest/prepare.ts. */
export const config = readConfig()

/** Nothing where the probes are only listed. */
function readConfig() {
  try {
    return JSON.parse(readFileSync(new URL("config.json", import.meta.url), "utf8"))
  } catch {
    return {}
  }
}

export const held = (saw) => ({ state: "held", saw })
export const broke = (saw) => ({ state: "broke", saw })
export const unknown = (saw) => ({ state: "cannot-tell", saw })

/** The worst of several attempts: `attempts` are [what, outcome] pairs, where an outcome is true for what must not be. */
export function none(attempts) {
  if (attempts.length === 0) return held("none is in sight")
  const through = attempts.filter(([, outcome]) => outcome === true).map(([what]) => what)
  return through.length > 0 ? broke(through.join(", ")) : held(`${attempts.length} attempts, all refused`)
}

/** The worst of several outcomes. */
export function worst(outcomes) {
  return (
    outcomes.find(({ state }) => state === "broke") ??
    outcomes.find(({ state }) => state === "cannot-tell") ??
    outcomes[0]
  )
}

/** How a connection ends: "connected", an error's code, or "timeout". Milliseconds beside it. */
export function tryConnect(target, timeout = 1500) {
  const begun = performance.now()
  return new Promise((resolve) => {
    const done = (outcome) => {
      socket.destroy()
      resolve({ outcome, took: performance.now() - begun })
    }
    const socket = connect(target, () => done("connected"))
    socket.setTimeout(timeout, () => done("timeout"))
    socket.on("error", (error) => done(error.code ?? "error"))
  })
}

/** Sends bytes to the relay and resolves with the start of what comes back, "" for nothing; at once where `isEnough` says so of it. */
export function askProxy(text, timeout = 3000, isEnough = (answer) => answer.length > 65536) {
  return new Promise((resolve) => {
    let answer = ""
    const socket = connect(config.port, "127.0.0.1", () => socket.write(text))
    const done = () => {
      socket.destroy()
      resolve(answer)
    }
    socket.setTimeout(timeout, done)
    socket.on("data", (chunk) => {
      answer += chunk.toString("latin1")
      if (isEnough(answer)) done()
    })
    socket.on("error", done)
    socket.on("close", done)
  })
}

/** The status of an answer, 0 where there is none. */
export const statusOf = (answer) => Number(/^HTTP\/1\.[01] (\d{3})/.exec(answer)?.[1] ?? 0)

/** The status of what the relay answers to bytes, 0 where it does not. Some answers have no end: only the beginning is waited for. */
export const askStatus = async (text) => statusOf(await askProxy(text, 3000, (answer) => statusOf(answer) > 0))

/** One request to the proxy in absolute form. */
export const proxied = (method, url) =>
  askProxy(`${method} ${url} HTTP/1.1\r\nHost: ${new URL(url).host}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)

/** A file as text, "" where it cannot be read. */
export const read = (path) => {
  try {
    return readFileSync(path, "latin1")
  } catch {
    return ""
  }
}

/** What `/proc/<pid>/status` (proc(5)) says of a process. */
export const status = (pid = "self") =>
  Object.fromEntries(
    [...read(`/proc/${pid}/status`).matchAll(/^(\w+):\s*(.*)$/gm)].map(([, name, value]) => [name, value]),
  )

const NUMBERS = {
  x64: {
    ...{
      ioctl: 16,
      socket: 41,
      ptrace: 101,
      pivot_root: 155,
      mount: 165,
      init_module: 175,
      kexec_load: 246,
      add_key: 248,
      keyctl: 250,
    },
    ...{ mknodat: 259, unshare: 272, perf_event_open: 298, open_by_handle_at: 304, setns: 308, process_vm_readv: 310 },
    ...{ process_vm_writev: 311 },
    ...{ bpf: 321, userfaultfd: 323, io_uring_setup: 425, fsopen: 430 },
  },
  arm64: {
    ...{
      ioctl: 29,
      mknodat: 33,
      mount: 40,
      pivot_root: 41,
      unshare: 97,
      kexec_load: 104,
      init_module: 105,
      ptrace: 117,
      socket: 198,
    },
    ...{ add_key: 217, keyctl: 219, perf_event_open: 241, open_by_handle_at: 265, setns: 268, process_vm_readv: 270 },
    ...{ process_vm_writev: 271 },
    ...{ bpf: 280, userfaultfd: 282, io_uring_setup: 425, fsopen: 430 },
  },
}

/**
 * Makes a system call in a process of its own: arguments are numbers or strings. Returns `{result, errno}` with the error's name ("" for
 * none), or undefined where nothing here can make one.
 */
export const systemCall = (name, ...args) => systemCallOn("pipe", name, ...args)

/** The same where the process has `input`, a descriptor, as its standard input: for calls that are about one. */
export function systemCallOn(input, name, ...args) {
  const number = typeof name === "number" ? name : NUMBERS[process.arch]?.[name]
  if (number === undefined) return undefined
  const words = [number, ...args].map((arg) => (typeof arg === "string" ? `s${arg}` : `n${arg}`))
  const perl =
    'use Errno; my @a = map { my $t = substr($_,0,1); my $v = substr($_,1); $t eq "s" ? $v : $v+0 } @ARGV; my $r = syscall(shift @a, @a); my $e = $!+0; print "$r $e"'
  const python =
    'import ctypes,sys\nl=ctypes.CDLL(None,use_errno=True)\na=[ctypes.c_char_p(w[1:].encode()) if w[0]=="s" else ctypes.c_long(int(w[1:])) for w in sys.argv[1:]]\nl.syscall.restype=ctypes.c_long\nr=l.syscall(*a)\nprint(r,ctypes.get_errno())'
  for (const [file, first] of [
    ["perl", ["-e", perl]],
    ["python3", ["-c", python]],
  ]) {
    const ran = spawnSync(file, [...first, ...words], {
      ...{ encoding: "utf8", timeout: 4000, stdio: [input, "pipe", "pipe"] },
    })
    const [result, errno] = (ran.stdout ?? "").trim().split(" ").map(Number)
    // A filter that ends the caller has refused as well.
    if (ran.signal === "SIGSYS") return { result: -1, errno: "SIGSYS" }
    if (result !== undefined && errno !== undefined && !Number.isNaN(errno))
      return { result, errno: result === -1 ? (ERRORS[errno] ?? String(errno)) : "" }
  }
  return undefined
}

const ERRORS = {
  ...{ 1: "EPERM", 2: "ENOENT", 3: "ESRCH", 9: "EBADF", 12: "ENOMEM", 13: "EACCES", 14: "EFAULT", 17: "EEXIST" },
  ...{
    19: "ENODEV",
    22: "EINVAL",
    28: "ENOSPC",
    30: "EROFS",
    38: "ENOSYS",
    93: "EPROTONOSUPPORT",
    94: "ESOCKTNOSUPPORT",
  },
  ...{ 95: "EOPNOTSUPP", 97: "EAFNOSUPPORT", 101: "ENETUNREACH" },
}

/** What a refused system call answers: the kernel's own answers to bad arguments mean that it looked at them. */
const REFUSED = new Set([
  "EPERM",
  "ENOSYS",
  "EACCES",
  "SIGSYS",
  "ENOSPC",
  "EAFNOSUPPORT",
  "EPROTONOSUPPORT",
  "ESOCKTNOSUPPORT",
])

/** Judges a system call that must be refused whatever its arguments are. */
export const refused = (name, ...args) => refusedOn("pipe", name, ...args)

/** The same with `input` as in `systemCallOn`. */
export function refusedOn(input, name, ...args) {
  const made = systemCallOn(input, name, ...args)
  if (made === undefined) return unknown("neither perl nor python3 is here to make the system call")
  return REFUSED.has(made.errno)
    ? held(made.errno)
    : broke(made.errno === "" ? "it was done" : `the kernel took it (${made.errno})`)
}
