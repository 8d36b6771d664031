// What the kernel says of processes and control groups. That a file of theirs cannot be read now tells nothing: only that it is not there does.
import { readFileSync } from "node:fs"

/**
 * There is no such process, file or group; it is another user's, and no box's of ours; or it is no file, now and later. A group of threads tells
 * no processes (cgroup-v2).
 */
const NOT_THERE: ReadonlySet<unknown> = new Set(
  ["ENOENT", "ESRCH", "ENODEV", "ENOTDIR"].concat(["EACCES", "EPERM"], ["EISDIR", "ELOOP"], ["EOPNOTSUPP"]),
)

/** What `read` answers; undefined where nothing is there. Throws where that cannot be told, as with too many open files. */
export function unlessGone<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if (NOT_THERE.has((error as NodeJS.ErrnoException).code)) return undefined
    throw error
  }
}

/** Text of a file; "" where there is none. Throws as `unlessGone`. */
export const readSystem = (path: string): string => unlessGone(() => readFileSync(path, "utf8")) ?? ""
