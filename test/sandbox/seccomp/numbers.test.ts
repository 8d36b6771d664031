// The table against the kernel's own headers, as this machine's C compiler reads them.
import { spawnSync } from "node:child_process"
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { expect, test } from "vitest"
import { type Architecture, readNumbers } from "../../../src/sandbox/seccomp/numbers.ts"
import { ABSENT, ALLOWED, RULES } from "../../../src/sandbox/seccomp/rules.ts"
import { temporaryDirectory } from "../../context.ts"

const GENERIC = "/usr/include/asm-generic/unistd.h"
const X86 = "/usr/include/x86_64-linux-gnu/asm/unistd_64.h"

/** Every `__NR_` of a header with its number: the compiler computes those that are other macros. */
function readHeader(path: string, prelude: string): Map<string, number> {
  const stubs = temporaryDirectory({ "asm/bitsperlong.h": "" })
  const names = new Set([...readFileSync(path, "utf8").matchAll(/^#define __NR_(\w+)/gm)].map(([, name]) => name ?? ""))
  const ask = [...names].map((name) => `#ifdef __NR_${name}\nnumber_of ${name} __NR_${name}\n#endif\n`).join("")
  const args = ["-E", "-P", "-nostdinc", "-I", stubs, "-I", "/usr/include", "-x", "c", "-"]
  const { stdout } = spawnSync("gcc", args, { input: `${prelude}\n#include "${path}"\n${ask}`, encoding: "utf8" })
  return new Map(
    [...stdout.matchAll(/^number_of (\w+) (\d+)$/gm)].map(([, name = "", number]) => [name, Number(number)]),
  )
}

const wanted =
  "#define __BITS_PER_LONG 64\n" +
  ["RENAMEAT", "NEW_STAT", "SET_GET_RLIMIT", "SYS_CLONE3", "MEMFD_SECRET"]
    .map((name) => `#define __ARCH_WANT_${name}\n`)
    .join("")

test.each([
  ["x64", X86, ""],
  ["arm64", GENERIC, wanted],
] as const)("numbers of %s are the kernel's", (architecture: Architecture, header, prelude) => {
  if (!existsSync(header) || spawnSync("gcc", ["--version"]).status !== 0) {
    expect(process.env["NANOGUARD_REQUIRE_ENGINES"], "gcc and linux-libc-dev are missing").not.toBe("1")
    return
  }
  const theirs = readHeader(header, prelude)
  const ours = readNumbers(architecture)
  expect(theirs.size).toBeGreaterThan(300)
  // Not calls: where the tables end, where an architecture's own begin.
  for (const name of ["syscalls", "arch_specific_syscall"]) theirs.delete(name)
  for (const [name, number] of theirs) if (number <= 450) expect([name, ours.get(name)]).toEqual([name, number])
  for (const [name, number] of ours) expect([name, theirs.get(name) ?? number]).toEqual([name, number])
  expect([...ours.values()]).toEqual([...ours.values()].toSorted((one, other) => one - other))
})

test("every name of the profile is one of a call that some architecture has, and stands in one list", () => {
  const known = new Set([...readNumbers("x64").keys(), ...readNumbers("arm64").keys()])
  const ruled = new Set(RULES.flatMap(({ names }) => names))
  const all = [...ALLOWED, ...ABSENT, ...ruled]
  for (const name of all) expect(known, name).toContain(name)
  expect(new Set(all).size).toBe(all.length)
})

test("container engines' own list holds all that ours holds", () => {
  const path = ["/usr/share/containers", "/etc/containers"]
    .map((directory) => join(directory, "seccomp.json"))
    .find(existsSync)
  if (path === undefined) return
  const theirs = JSON.parse(readFileSync(path, "utf8")) as { syscalls: { names: string[]; action: string }[] }
  const allowed = new Set(
    theirs.syscalls.filter(({ action }) => action === "SCMP_ACT_ALLOW").flatMap(({ names }) => names),
  )
  // Newer than the list of podman 4.3, but for io_pgetevents, which is io_getevents with a signal mask.
  const newer = [
    "io_pgetevents",
    "futex_waitv",
    "cachestat",
    "fchmodat2",
    "futex_requeue",
    "futex_wait",
    "futex_wake",
    "mseal",
  ]
  const more = [...ALLOWED, ...RULES.flatMap(({ names }) => names)].filter(
    (name) => !allowed.has(name) && !newer.includes(name),
  )
  expect(more).toEqual([])
})
