// What a program in a box may ask of the kernel: an allow-list, the same for every engine. Stricter than the list that container
// engines bring along, which leaves io_uring, AF_VSOCK, AF_ALG and more to everybody.

/** The low 32 bits of an argument, masked, must be `value`. No more than those 32 bits of what is tested here reach the kernel's code. */
export interface Condition {
  argument: number
  mask: number
  value: number
}

/** Calls that are allowed where every condition holds; several rules of one call: where one of them does. */
export interface Rule {
  names: readonly string[]
  when: readonly Condition[]
}

const words = (text: string) => text.trim().split(/\s+/)
const WHOLE = 0xffffffff
const is = (argument: number, value: number): Condition => ({ argument, mask: WHOLE, value })
const without = (argument: number, mask: number): Condition => ({ argument, mask, value: 0 })

/** Allowed whatever their arguments are. */
export const ALLOWED: readonly string[] = words(`
  access chdir chown close close_range copy_file_range dup dup2 dup3 faccessat faccessat2 fadvise64 fallocate fchdir fchown
  fchownat fcntl fdatasync fgetxattr flistxattr flock fremovexattr fsetxattr fstat fstatfs fsync ftruncate futimesat getcwd
  getdents getdents64 getxattr lchown lgetxattr link linkat listxattr llistxattr lremovexattr lseek lsetxattr lstat newfstatat
  pipe pipe2 pread64 preadv preadv2 pwrite64 pwritev pwritev2 read readahead readlink readlinkat readv removexattr rename renameat
  renameat2 rmdir sendfile setxattr splice stat statfs statx symlink symlinkat sync sync_file_range syncfs tee truncate umask
  unlink unlinkat utime utimensat utimes write writev cachestat
  inotify_add_watch inotify_init inotify_init1 inotify_rm_watch io_cancel io_destroy io_getevents io_pgetevents io_setup io_submit

  epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait epoll_wait_old eventfd eventfd2 poll
  ppoll pselect6 select signalfd signalfd4 timerfd_create timerfd_gettime timerfd_settime

  accept accept4 bind connect getpeername getsockname getsockopt listen recvfrom recvmmsg recvmsg sendmmsg sendmsg sendto
  setsockopt shutdown

  brk get_mempolicy madvise membarrier memfd_create mincore mlock mlock2 mlockall mmap mprotect mremap mseal msync munlock
  munlockall munmap pkey_alloc pkey_free pkey_mprotect

  execve execveat exit exit_group fork getpgid getpgrp getpid getppid getsid gettid kill pidfd_open pidfd_send_signal prctl
  arch_prctl rseq set_robust_list get_robust_list set_tid_address set_thread_area get_thread_area setpgid setsid tgkill tkill
  vfork wait4 waitid futex futex_requeue futex_wait futex_waitv futex_wake
  landlock_add_rule landlock_create_ruleset landlock_restrict_self seccomp

  alarm getitimer pause restart_syscall rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend
  rt_sigtimedwait rt_tgsigqueueinfo setitimer sigaltstack timer_create timer_delete timer_getoverrun timer_gettime timer_settime
  clock_getres clock_gettime clock_nanosleep gettimeofday nanosleep time times

  capget capset getegid geteuid getgid getgroups getresgid getresuid getuid setfsgid setfsuid setgid setgroups setregid setresgid
  setresuid setreuid setuid

  getcpu getpriority getrandom getrlimit getrusage ioprio_get ioprio_set prlimit64 sched_get_priority_max sched_get_priority_min
  sched_getaffinity sched_getattr sched_getparam sched_getscheduler sched_rr_get_interval sched_setaffinity sched_setattr
  sched_setparam sched_setscheduler sched_yield setpriority setrlimit sysinfo uname

  mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedsend mq_unlink msgctl msgget msgrcv msgsnd semctl semget semop
  semtimedop shmat shmctl shmdt shmget
`)

/**
 * Answered as if the kernel did not have them (ENOSYS), for libraries then take an older way: flags of clone3 and the mode of
 * openat2 lie in memory, where a filter cannot look; io_uring does what it is asked to past every filter.
 */
export const ABSENT: readonly string[] = words(
  "clone3 openat2 io_uring_setup io_uring_enter io_uring_register process_madvise set_mempolicy_home_node",
)

// linux/sched.h: mount, cgroup, uts, ipc, user, pid and net namespaces. That of time (0x80) lies in clone's exit signal.
const NAMESPACES = 0x7e020000
// linux/stat.h: set-user-id and set-group-id. A file with them in a workspace would lend its owner's rights to others on the host.
const SET_ID = 0o6000
const O_CREAT = 0o100
const O_TMPFILE = 0o20000000
const SOCK_TYPE = 0xf
const [AF_UNIX, AF_INET, AF_INET6, AF_NETLINK] = [1, 2, 10, 16]
const [SOCK_STREAM, SOCK_DGRAM] = [1, 2]
const [TCP, UDP] = [6, 17]
// asm-generic/ioctls.h: they type into a terminal as if its person did.
const [TIOCSTI, TIOCLINUX] = [0x5412, 0x541c]

const sockets = [AF_INET, AF_INET6].flatMap((family) =>
  (
    [
      [SOCK_STREAM, 0],
      [SOCK_STREAM, TCP],
      [SOCK_DGRAM, 0],
      [SOCK_DGRAM, UDP],
    ] as const
  ).map(
    ([type, protocol]): Rule => ({
      names: ["socket"],
      when: [is(0, family), { argument: 1, mask: SOCK_TYPE, value: type }, is(2, protocol)],
    }),
  ),
)

const modes = (names: string, argument: number): Rule => ({ names: words(names), when: [without(argument, SET_ID)] })

/** Allowed for some arguments only. */
export const RULES: readonly Rule[] = [
  { names: ["clone"], when: [without(0, NAMESPACES)] },
  { names: ["unshare"], when: [without(0, NAMESPACES | 0x80)] },
  // Streams and datagrams of the internet protocols, and questions about the box's own interfaces: nothing raw, no
  // AF_VSOCK, AF_PACKET, AF_ALG, no SCTP or ICMP.
  ...sockets,
  { names: ["socket"], when: [is(0, AF_UNIX)] },
  { names: ["socket"], when: [is(0, AF_NETLINK), is(2, 0)] },
  { names: ["socketpair"], when: [is(0, AF_UNIX)] },
  modes("chmod fchmod mkdir creat", 1),
  modes("fchmodat fchmodat2 mkdirat", 2),
  { names: ["open"], when: [without(1, O_CREAT | O_TMPFILE)] },
  modes("open", 2),
  { names: ["openat"], when: [without(2, O_CREAT | O_TMPFILE)] },
  modes("openat", 3),
  // A plain file, a pipe, a socket: no devices.
  ...[0, 0o100000, 0o010000, 0o140000].flatMap((type): Rule[] => [
    { names: ["mknod"], when: [{ argument: 1, mask: 0o170000 | SET_ID, value: type }] },
    { names: ["mknodat"], when: [{ argument: 2, mask: 0o170000 | SET_ID, value: type }] },
  ]),
  // linux/personality.h: Linux, its 32-bit names in uname, and asking which it is.
  ...[0, 8, WHOLE].map((value): Rule => ({ names: ["personality"], when: [is(0, value)] })),
  ...allBut([TIOCSTI, TIOCLINUX]).map(
    ({ mask, value }): Rule => ({ names: ["ioctl"], when: [{ argument: 1, mask, value }] }),
  ),
]

/** Every 32-bit number but `excluded`, as the fewest blocks of equal leading bits: OCI profiles have no way to say "is none of". */
export function allBut(excluded: readonly number[], bits = 32, prefix = 0): { mask: number; value: number }[] {
  const within = excluded.filter((value) => bits === 32 || value >>> bits === prefix >>> bits)
  if (within.length === 0) return [{ mask: bits === 32 ? 0 : (WHOLE << bits) >>> 0, value: prefix }]
  if (bits === 0) return []
  return [0, 1].flatMap((bit) => allBut(within, bits - 1, (prefix | (bit << (bits - 1))) >>> 0))
}
