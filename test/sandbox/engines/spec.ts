// A box as the unit tests of engines know it.
import type { BoxSpec } from "../../../src/sandbox/types.ts"

/** One with a mount of every kind. */
export function sampleSpec(more: Partial<BoxSpec> = {}): BoxSpec {
  return {
    run: "run-0123456789ab",
    agent: "coder",
    image: "nanoguard-agent@sha256:00",
    command: ["node", "/run/nanoguard/relay.mjs", "--", "claude", "--help"],
    env: { HOME: "/home/agent", NOTE: "two\nlines" },
    cwd: "/workspace",
    user: { uid: 1000, gid: 1001 },
    mounts: [
      { kind: "bind", source: "/srv/project", target: "/workspace", write: true },
      { kind: "bind", source: '/srv/a,"b"', target: "/run/nanoguard", write: false },
      { kind: "tmpfs", target: "/tmp", size: 4096 * 5000, mode: 0o1777, exec: true },
      { kind: "tmpfs", target: "/var/tmp", size: 4096, mode: 0o700, exec: false },
      { kind: "tmpfs", target: "/dev/shm", size: 65536, mode: 0o1777, exec: false },
      { kind: "mask", target: "/workspace/.env", directory: false },
      { kind: "mask", target: "/workspace/.git/hooks", directory: true },
    ],
    limits: { memory: 2 ** 30, cpus: 1.5, pids: 512, files: 4096, fileSize: 2 ** 32 },
    hostname: "box",
    tty: false,
    ...more,
  }
}
