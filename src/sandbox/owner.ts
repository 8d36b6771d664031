// The process that a box belongs to, so that whoever finds its files knows whether it lives.
import { readFileSync, readlinkSync, statSync, utimesSync } from "node:fs"
import { EXIT, NanoguardError } from "../errors.ts"
import { isRecord } from "../packages/registries/values.ts"

/** A process: by its id, told from others that had the same id before or elsewhere. What a system does not say is absent. */
export interface Owner {
  pid: number
  /** Ticks since boot at which it started (proc(5)). */
  start: string
  /** machine-id(5). */
  machine?: string
  /** Of this boot of the machine (random(4)). */
  boot?: string
  /** The namespace that the id is of (pid_namespaces(7)). */
  space?: string
}

/** This process, as its boxes name it. Errors: environment (it cannot be told now). */
export function ownIdentity(): Owner {
  return { pid: process.pid, start: processStart(process.pid) ?? "", ...here() }
}

/**
 * Whether the process that owns a box is alive: the same one, and not another that was given its id since. One of another machine, or of another
 * namespace of process ids, counts as alive: nothing here could tell, and to end its box is its own nanoguard's. So does one of which it cannot be
 * told now, as with too many open files.
 */
export function isOwnerAlive(owner: Owner): boolean {
  try {
    if (isElsewhere(owner)) return true
    if (differs(owner.boot, here().boot)) return false
    const now = processStart(owner.pid)
    if (now !== undefined) return now === owner.start
    if (process.platform === "linux") return false
    process.kill(owner.pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH"
  }
}

/**
 * Whether a process is of another machine, or of a namespace of process ids that is not this one: whether it lives cannot be told from here. Nor
 * can it of one of another boot where either side has no machine-id(5): that may be another machine. Errors: environment (it cannot be told now).
 */
export function isElsewhere(owner: Owner): boolean {
  const { machine, boot, space } = here()
  if (differs(owner.machine, machine)) return true
  if (differs(owner.boot, boot)) return owner.machine === undefined || machine === undefined
  return owner.boot === boot && differs(owner.space, space)
}

/** Milliseconds for which a file of a moment counts whose process cannot be seen, and between two signs of that process. */
const LASTS = 120_000
const RENEWED = 30_000

/**
 * Whether who wrote a file of a moment still waits for what it asks: one elsewhere, for two minutes since it last said so (`keepFresh`). Throws
 * ENOENT where the file is gone, and something else where it cannot be told now.
 */
export function isWaiting(owner: Owner, file: string): boolean {
  return isOwnerAlive(owner) && !(isElsewhere(owner) && !isFresh(file))
}

/** Whether a file of a moment was renewed within two minutes (`keepFresh`). Throws where it is gone, or that cannot be told now. */
export function isFresh(file: string): boolean {
  return Date.now() - statSync(file).mtimeMs <= LASTS
}

/** Renews own files of a moment for those who cannot see this process, until what is returned is called. Keeps no process alive. */
export function keepFresh(files: readonly string[]): () => void {
  const renew = () => {
    const now = new Date()
    for (const file of files) {
      try {
        utimesSync(file, now, now)
      } catch {
        // Given back meanwhile, with the rest of its box.
      }
    }
  }
  const timer = setInterval(renew, RENEWED).unref()
  return () => clearInterval(timer)
}

/**
 * When a process started: field 22 of its stat (proc(5)), ticks since boot; undefined where there is none, or it is dead and not yet waited for.
 * Errors: environment (it cannot be told now: nobody is taken for gone by that).
 */
export function processStart(pid: number): string | undefined {
  const stat = unless(GONE, () => readFileSync(`/proc/${pid}/stat`, "latin1"))
  if (stat === undefined) return undefined
  // The second field, a name in brackets, may hold anything, brackets and spaces included.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
  return fields[0] === "Z" || fields[0] === "X" ? undefined : fields[19]
}

/** Whether a value from a file is an owner; what an older nanoguard wrote says less. */
export function isOwner(value: unknown): value is Owner {
  if (!isRecord(value)) return false
  const { pid, start, machine, boot, space } = value
  const isText = (one: unknown) => typeof one === "string" && one.length <= 80
  return (
    Number.isSafeInteger(pid) &&
    Number(pid) > 0 &&
    isText(start) &&
    [machine, boot, space].every((one) => one === undefined || isText(one))
  )
}

/** Only where both are known. */
const differs = (one: string | undefined, other: string | undefined) =>
  one !== undefined && other !== undefined && one !== other

let known: Pick<Owner, "machine" | "boot" | "space"> | undefined

function here(): Pick<Owner, "machine" | "boot" | "space"> {
  if (known) return known
  // Whatever else keeps it from being read passes, and this process would go by half a name for good.
  const say = (read: () => string) => unless(SILENT, read)?.trim().slice(0, 80)
  const machine = say(() => readFileSync("/etc/machine-id", "utf8"))
  const boot = say(() => readFileSync("/proc/sys/kernel/random/boot_id", "utf8"))
  const space = say(() => readlinkSync("/proc/self/ns/pid"))
  known = { ...(machine && { machine }), ...(boot && { boot }), ...(space && { space }) }
  return known
}

/** There is no such process, or it is another user's, which is not shown (proc(5), hidepid). */
const GONE: ReadonlySet<unknown> = new Set(["ENOENT", "ESRCH", "EACCES", "EPERM"])
/** A system does not say it, now or later. */
const SILENT: ReadonlySet<unknown> = new Set([...GONE, "ENOTDIR", "EISDIR"])

/** Undefined where reading fails with one of `codes`. */
function unless(codes: ReadonlySet<unknown>, read: () => string): string | undefined {
  try {
    return read()
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (codes.has(code)) return undefined
    throw new NanoguardError(`which process is alive cannot be told (${code})`, {
      ...{ exit: EXIT.environment, cause },
      hint: "where too many files are open: end what opened them, or raise the limit (ulimit -n)",
    })
  }
}
