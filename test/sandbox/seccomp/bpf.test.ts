import fc from "fast-check"
import { expect, test } from "vitest"
import { compileSeccomp } from "../../../src/sandbox/seccomp/bpf.ts"
import { readNumbers } from "../../../src/sandbox/seccomp/numbers.ts"
import { seccompJson } from "../../../src/sandbox/seccomp/profile.ts"
import { allBut } from "../../../src/sandbox/seccomp/rules.ts"
import { runFilter } from "./kernel.ts"

const ARCH = { x64: 0xc000003e, arm64: 0xc00000b7 } as const
const [ALLOW, EPERM, ENOSYS, KILL] = [0x7fff0000, 0x00050001, 0x00050026, 0x80000000]

interface Profile {
  syscalls: {
    names: string[]
    action: string
    errnoRet?: number
    args?: { index: number; value: number; valueTwo: number; op: string }[]
  }[]
}

/** What the profile's text says of a call, as the OCI specification reads it. */
function readProfile(profile: Profile, name: string, args: readonly number[]): number {
  const rules = profile.syscalls.filter(({ names }) => names.includes(name))
  for (const { action, errnoRet, args: conditions = [] } of rules) {
    const holds = conditions.every(({ index, value, valueTwo }) => ((args[index] ?? 0) & value) >>> 0 === valueTwo)
    if (holds) return action === "SCMP_ACT_ALLOW" ? ALLOW : 0x00050000 | (errnoRet ?? 1)
  }
  return EPERM
}

test.each(["x64", "arm64"] as const)(
  "the filter for %s decides as the profile for container engines says",
  (architecture) => {
    const program = compileSeccomp(architecture)
    expect(program.length / 8).toBeLessThan(4096)
    const profile = JSON.parse(seccompJson(architecture)) as Profile
    const numbers = [...readNumbers(architecture)]
    const interesting = [
      0, 1, 2, 3, 6, 8, 10, 16, 17, 38, 40, 0x5401, 0x5412, 0x5413, 0x541c, 0x80002, 0o4755, 0o100644, 0o104755,
    ]
    const argument = fc.oneof(fc.constantFrom(...interesting), fc.integer({ min: 0, max: 0xffffffff }))
    const args = fc.tuple(argument, argument, argument, argument, argument, argument)
    const seen = new Set<number>()
    for (const [name, number] of numbers) {
      const check = (given: readonly number[]) => {
        const answer = runFilter(program, { arch: ARCH[architecture], number, args: given })
        seen.add(answer)
        expect(answer, `${name}(${given.join(", ")})`).toBe(readProfile(profile, name, given))
      }
      fc.assert(fc.property(args, check), { numRuns: 20 })
    }
    expect([...seen].toSorted()).toEqual([ALLOW, EPERM, ENOSYS].toSorted())
  },
)

test("numbers without a name are as on a kernel without them, other architectures' calls end the process", () => {
  const run = (arch: number, number: number) =>
    runFilter(compileSeccomp("x64"), { arch, number, args: [0, 0, 0, 0, 0, 0] })
  expect(run(ARCH.x64, 0)).toBe(ALLOW)
  for (const number of [335, 423, 453, 470, 0x3fffffff]) expect(run(ARCH.x64, number)).toBe(ENOSYS)
  for (const number of [0x40000000, 0x40000001, 0x40000000 + 59, 0xffffffff]) expect(run(ARCH.x64, number)).toBe(EPERM)
  for (const arch of [0x40000003, ARCH.arm64, 0]) expect(run(arch, 0)).toBe(KILL)
})

test("blocks of all numbers but some hold every other one exactly once", () => {
  const blocks = allBut([0x5412, 0x541c])
  const holding = (number: number) => blocks.filter(({ mask, value }) => (number & mask) >>> 0 === value).length
  for (const number of [0x5412, 0x541c]) expect(holding(number)).toBe(0)
  for (const number of [0, 1, 0x5411, 0x5413, 0x541b, 0x541d, 0x15412, 0x80005412, 0xffffffff])
    expect(holding(number)).toBe(1)
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 0xffffffff }),
      (number) => holding(number) === (number === 0x5412 || number === 0x541c ? 0 : 1),
    ),
  )
  expect(allBut([])).toEqual([{ mask: 0, value: 0 }])
})
