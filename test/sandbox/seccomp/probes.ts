// System calls that a box must not be able to make, or only in part, and a program that makes them.
import { readNumbers } from "../../../src/sandbox/seccomp/numbers.ts"

/** Name, arguments, and what comes of them: an errno's name, or `ok` for anything but a refusal of the filter's. */
type Probe = readonly [name: string, args: readonly number[], answer: "EPERM" | "ENOSYS" | "ok"]

const bad = -1
const nothing = [0, 0, 0, 0, 0, 0]
const refused = (names: string, args: readonly number[] = nothing): Probe[] =>
  names.split(" ").map((name) => [name, args, "EPERM"])

// Arguments are such that the call does no harm where it is allowed after all.
const PROBES: readonly Probe[] = [
  ...["io_uring_setup", "io_uring_enter", "io_uring_register", "clone3", "openat2"].map(
    (name): Probe => [name, nothing, "ENOSYS"],
  ),
  ...refused(
    "add_key request_key keyctl userfaultfd bpf perf_event_open process_vm_readv process_vm_writev pidfd_getfd kcmp",
  ),
  ...refused("mount umount2 pivot_root chroot move_mount fsopen fsconfig fsmount fspick open_tree mount_setattr"),
  ...refused("setns", [bad, 0]),
  ...refused("kexec_load kexec_file_load finit_module init_module delete_module", [bad, bad, bad, bad, bad]),
  ...refused("open_by_handle_at name_to_handle_at quotactl quotactl_fd", [bad, bad, 0, 0, 0]),
  ...refused("swapon swapoff reboot syslog settimeofday clock_settime clock_adjtime adjtimex lookup_dcookie", [
    bad,
    0,
    0,
    0,
  ]),
  ...refused("sethostname setdomainname", [0, bad]),
  ...refused("fanotify_init fanotify_mark move_pages migrate_pages mbind set_mempolicy memfd_secret", [
    bad,
    bad,
    bad,
    bad,
    bad,
    bad,
  ]),
  ...refused("iopl ioperm modify_ldt uselib ustat sysfs vhangup acct", [bad, bad, bad]),
  ...refused("ptrace"),
  // New namespaces: user, net, mount, pid, ipc, uts, cgroup, time.
  ...[0x10000000, 0x40000000, 0x20000, 0x20000000, 0x8000000, 0x4000000, 0x2000000, 0x80].flatMap((flag) =>
    refused("unshare", [flag]),
  ),
  ...[0x10000000, 0x40000000, 0x20000, 0x20000000, 0x10020000].flatMap((flag) =>
    refused("clone", [flag | 17, 0, 0, 0, 0]),
  ),
  ["unshare", [0x200], "ok"],
  // AF_VSOCK, AF_PACKET, AF_ALG, AF_BLUETOOTH, AF_TIPC, AF_XDP; raw and ICMP sockets, SCTP; other netlinks than routes.
  ...[40, 17, 38, 31, 30, 44].flatMap((family) => [1, 2, 3, 5].flatMap((type) => refused("socket", [family, type, 0]))),
  ...[2, 10].flatMap((family) =>
    [
      [3, 0],
      [3, 255],
      [3, 1],
      [2, 1],
      [2, 58],
      [5, 132],
      [1, 132],
      [2, 136],
      [10, 0],
    ].flatMap(([type = 0, protocol = 0]) => refused("socket", [family, type, protocol])),
  ),
  ...[9, 12, 15, 16].flatMap((protocol) => refused("socket", [16, 3, protocol])),
  ...refused("socketpair", [30, 1, 0, 0]),
  ["socket", [1, 1, 0], "ok"],
  ["socket", [2, 1 | 0x80000, 6], "ok"],
  ["socket", [10, 2 | 0x800, 0], "ok"],
  ["socket", [16, 3, 0], "ok"],
  ...refused("personality", [0x40000]),
  ["personality", [0xffffffff], "ok"],
  // Typing into a terminal, with the bits set that the kernel does not look at.
  ...refused("ioctl", [0, 0x5412, 0]),
  ...refused("ioctl", [0, 0x541c, 0]),
  ...refused("ioctl", [0, 0x100005412, 0]),
  ["ioctl", [0, 0x5401, 0], "ok"],
  ["ioctl", [0, 0x5421, 0], "ok"],
  // Set-user-id and set-group-id, devices.
  ...[0o4755, 0o2755, 0o6000].flatMap((mode) => [
    ...refused("chmod mkdir creat", [0, mode]),
    ...refused("fchmod", [bad, mode]),
    ...refused("fchmodat mkdirat fchmodat2", [bad, 0, mode]),
    ...refused("open", [0, 0o101, mode]),
    ...refused("openat", [-100, 0, 0o101, mode]),
    ...refused("openat", [-100, 0, 0o20200002, mode]),
  ]),
  ...[0o020666, 0o060666, 0o104755].flatMap((mode) => [
    ...refused("mknod", [0, mode, 259]),
    ...refused("mknodat", [-100, 0, mode, 259]),
  ]),
  ["openat", [-100, 0, 0, 0o4755], "ok"],
  ["chmod", [0, 0o1755], "ok"],
  ["mknodat", [-100, 0, 0o010600, 0], "ok"],
]

/** The probes that this architecture has, with their numbers. */
export function listProbes(architecture: "x64" | "arm64") {
  const numbers = readNumbers(architecture)
  return PROBES.flatMap(([name, args, answer]) => {
    const number = numbers.get(name)
    return number === undefined ? [] : [{ name: `${name}(${args.join(", ")})`, number, args, answer }]
  })
}

/**
 * A program for perl (its smallest installation has `syscall`): makes each call of its argument (number and arguments with commas,
 * calls with blanks) in a process of its own, and prints the errno of each, or the signal below zero that it ended with.
 */
export const PROBER = `
$| = 1;
for my $call (split / /, $ARGV[0]) {
  my @words = map { 0 + $_ } split /,/, $call;
  my $pid = fork();
  if ($pid == 0) {
    my $result = syscall($words[0], @words[1 .. $#words]);
    exit($result == -1 ? 0 + $! : 0);
  }
  waitpid($pid, 0);
  print(($? & 127) ? -($? & 127) : $? >> 8, "\\n");
}
`

/** The argument of the prober. */
export const calls = (architecture: "x64" | "arm64") =>
  listProbes(architecture)
    .map(({ number, args }) => [number, ...args].join(","))
    .join(" ")

/** A program of x86_64 that ends itself by a system call of 32 bits: exit(7) by interrupt 0x80. */
export function buildProgram32(): Uint8Array {
  const code = [0xb8, 1, 0, 0, 0, 0xbb, 7, 0, 0, 0, 0xcd, 0x80]
  const [base, start] = [0x400000n, 120]
  const file = Buffer.alloc(start + code.length)
  // ELF64 header and one program header (elf(5)).
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1])
  file.writeUInt16LE(2, 16)
  file.writeUInt16LE(62, 18)
  file.writeUInt32LE(1, 20)
  file.writeBigUInt64LE(base + BigInt(start), 24)
  file.writeBigUInt64LE(64n, 32)
  file.writeUInt16LE(64, 52)
  file.writeUInt16LE(56, 54)
  file.writeUInt16LE(1, 56)
  file.writeUInt32LE(1, 64)
  file.writeUInt32LE(5, 68)
  file.writeBigUInt64LE(base, 80)
  file.writeBigUInt64LE(base, 88)
  file.writeBigUInt64LE(BigInt(file.length), 96)
  file.writeBigUInt64LE(BigInt(file.length), 104)
  file.writeBigUInt64LE(0x1000n, 112)
  file.set(code, start)
  return file
}
