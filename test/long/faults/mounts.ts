// Small file systems of their own for a test: of memory, which can be full, and on a disk image, whose device can fail.
import { execFileSync, spawnSync } from "node:child_process"
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from "node:fs"
import { basename, join } from "node:path"
import { onTestFinished, type TestContext } from "vitest"
import { temporaryDirectory } from "../../context.ts"

export interface Memory {
  directory: string
  resize(size: string): void
}

/** A file system in memory, of a size as mount(8) writes it. Skips where this user may not mount. */
export function mountMemory(t: TestContext, size: string): Memory {
  const directory = mountPoint()
  mountOrSkip(t, ["-t", "tmpfs", "-o", `size=${size},mode=700`, "tmpfs", directory])
  return { directory, resize: (to) => run("mount", "-o", `remount,size=${to}`, directory) }
}

export interface Image {
  directory: string
  /** What the kernel does where a file system finds itself damaged: it is read-only from now on, also for files that are open. */
  abort(): void
  /**
   * Whether the device below takes no more than it holds: what is written besides is found out to be lost when it is synced, and the
   * kernel forgets that it was never written (https://lwn.net/Articles/752063/).
   */
  setBroken(broken: boolean): void
  /** Forgets what only memory knew, and mounts again what is on the device. No file may be open. */
  remount(): void
}

/** An ext4, with a journal or without, on a loop device, whose image holds no room for what is free. Skips where this user may not mount, or there are no such devices. */
export function mountImage(t: TestContext, journal: boolean): Image {
  const memory = mountMemory(t, "72m")
  const directory = mountPoint()
  const file = join(memory.directory, "image")
  writeFileSync(file, Buffer.alloc(64 * 1024 * 1024))
  const made = spawnSync("mkfs.ext4", [
    "-q",
    "-E",
    "nodiscard",
    "-b",
    "4096",
    "-O",
    journal ? "has_journal" : "^has_journal",
    file,
  ])
  if (made.status !== 0) t.skip("mkfs.ext4 is missing: apt-get install e2fsprogs")
  // mkfs leaves holes where its zeros go, the journal among them: a journal that fails while a sync waits for it may be answered with
  // success (Linux 6.18), which no program can notice.
  writeFileSync(file, readFileSync(file))
  mountOrSkip(t, ["-o", "loop", file, directory])
  boundRequests(directory)
  // Room is left for what the file system itself keeps, its journal among it; what is free is taken from the memory when it is used.
  run("fstrim", directory)
  return {
    directory,
    abort: () => run("mount", "-o", "remount,abort", directory),
    setBroken(broken) {
      const ballast = join(memory.directory, "ballast")
      if (broken) fill(ballast)
      else rmSync(ballast)
    },
    remount() {
      run("umount", directory)
      run("mount", "-o", "loop", file, directory)
    },
  }
}

/**
 * One page a request: of a longer one a loop device may write the beginning alone, and call that success (`lo_complete_rq` of Linux 6.18
 * asks only reads whether all was done), which no program can notice.
 */
function boundRequests(directory: string): void {
  const device = execFileSync("findmnt", ["-no", "SOURCE", directory], { encoding: "utf8" }).trim()
  writeFileSync(`/sys/block/${basename(device)}/queue/max_sectors_kb`, "4")
}

/** Takes all the room there is. */
function fill(file: string): void {
  const fd = openSync(file, "w")
  const bytes = Buffer.alloc(1024 * 1024)
  try {
    for (;;) writeSync(fd, bytes)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error
  } finally {
    closeSync(fd)
  }
}

function mountPoint(): string {
  const directory = join(temporaryDirectory(), "mount")
  mkdirSync(directory)
  return directory
}

function mountOrSkip(t: TestContext, args: string[]): void {
  const { status, stderr, error } = spawnSync("mount", args, { encoding: "utf8" })
  if (status !== 0)
    t.skip(`the right to mount is missing (${error?.message ?? stderr.trim()}): run as root, with loop devices`)
  onTestFinished(() => void spawnSync("umount", ["--lazy", args.at(-1)!]))
}

function run(program: string, ...args: string[]): void {
  execFileSync(program, args, { stdio: ["ignore", "ignore", "pipe"] })
}
