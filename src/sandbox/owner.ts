// The process that a box belongs to, so that whoever finds its files knows whether it lives.
import { readFileSync, readlinkSync, statSync, utimesSync } from "node:fs"

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

/** This process, as its boxes name it. */
export function ownIdentity(): Owner {
  return { pid: process.pid, start: processStart(process.pid) ?? "", ...here() }
}

/**
 * Whether the process that owns a box is alive: the same one, and not another that was given its id since. One of another machine, or of another
 * namespace of process ids, counts as alive: nothing here could tell, and to end its box is its own nanoguard's.
 */
export function isOwnerAlive(owner: Owner): boolean {
  if (isElsewhere(owner)) return true
  if (differs(owner.boot, here().boot)) return false
  const now = processStart(owner.pid)
  if (now !== undefined) return now === owner.start
  if (process.platform === "linux") return false
  try {
    process.kill(owner.pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM"
  }
}

/**
 * Whether a process is of another machine, or of a namespace of process ids that is not this one: whether it lives cannot be told from here. Nor
 * can it of one of another boot where either side has no machine-id(5): that may be another machine.
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
 * where the file is gone.
 */
export function isWaiting(owner: Owner, file: string): boolean {
  return isOwnerAlive(owner) && !(isElsewhere(owner) && Date.now() - statSync(file).mtimeMs > LASTS)
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

/** When a process started: field 22 of its stat (proc(5)), ticks since boot; undefined where there is none, or it is dead and not yet waited for. */
export function processStart(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1")
    // The second field, a name in brackets, may hold anything, brackets and spaces included.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
    return fields[0] === "Z" || fields[0] === "X" ? undefined : fields[19]
  } catch {
    return undefined
  }
}

/** Whether a value from a file is an owner; what an older nanoguard wrote says less. */
export function isOwner(value: unknown): value is Owner {
  if (typeof value !== "object" || value === null) return false
  const { pid, start, machine, boot, space } = value as Record<string, unknown>
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
  const machine = attempt(() => readFileSync("/etc/machine-id", "utf8"))
  const boot = attempt(() => readFileSync("/proc/sys/kernel/random/boot_id", "utf8"))
  const space = attempt(() => readlinkSync("/proc/self/ns/pid"))
  known = { ...(machine && { machine }), ...(boot && { boot }), ...(space && { space }) }
  return known
}

function attempt(read: () => string): string | undefined {
  try {
    return read().trim().slice(0, 80)
  } catch {
    return undefined
  }
}
