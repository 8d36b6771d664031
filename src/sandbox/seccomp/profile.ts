// The profile as container engines read it (OCI runtime specification, config-linux.md, "seccomp").
import { type Architecture, machineArchitecture } from "./numbers.ts"
import { ABSENT, ALLOWED, RULES } from "./rules.ts"

/** Errno values of the two refusals, the same on every architecture here. */
export const ERRNO = { EPERM: 1, ENOSYS: 38 } as const

const NAMES = { x64: "SCMP_ARCH_X86_64", arm64: "SCMP_ARCH_AARCH64" } as const

/**
 * The profile for `--security-opt seccomp=<file>` of docker and podman, as JSON text. No other architecture than the machine's own
 * is named, so that programs of 32 bits and of the x32 ABI are killed at their first system call.
 */
export function seccompJson(architecture: Architecture = machineArchitecture()): string {
  return `${JSON.stringify({
    defaultAction: "SCMP_ACT_ERRNO",
    architectures: [NAMES[architecture]],
    syscalls: [
      { names: ALLOWED, action: "SCMP_ACT_ALLOW" },
      { names: ABSENT, action: "SCMP_ACT_ERRNO", errnoRet: ERRNO.ENOSYS },
      ...RULES.map(({ names, when }) => ({
        names,
        action: "SCMP_ACT_ALLOW",
        args: when.map(({ argument, mask, value }) => ({
          index: argument,
          value: mask,
          valueTwo: value,
          op: "SCMP_CMP_MASKED_EQ",
        })),
      })),
    ],
  })}\n`
}
