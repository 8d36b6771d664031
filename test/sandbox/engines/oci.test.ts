import { expect, test } from "vitest"
import { type OciHost, ociArguments } from "../../../src/sandbox/engines/oci.ts"
import { sampleSpec } from "./spec.ts"

const files = {
  seccomp: "/s/seccomp.json",
  emptyFile: "/s/empty-file",
  emptyDirectory: "/s/empty",
  etc: { hosts: "/s/hosts", "resolv.conf": "/s/resolv.conf", passwd: "/s/passwd", group: "/s/group" },
}

function host(more: Partial<OciHost> = {}): OciHost {
  return {
    ...{ state: "0123456789ab", files, user: { uid: 1000, gid: 1001 }, selinux: false, cgroups: true },
    ...{ tmpfs: () => "", bind: [], more: [], ...more },
  }
}

/** Every value of an option. */
const valuesOf = (args: readonly string[], name: string) =>
  args.flatMap((word, index) => (word === name ? [args[index + 1]] : []))

test("a box has no network, capabilities, privileges, image from elsewhere or namespace of the host", () => {
  const args = ociArguments(sampleSpec(), host())
  expect(args[0]).toBe("run")
  for (const [name, values] of [
    ["--network", ["none"]],
    ["--cap-drop", ["ALL"]],
    ["--security-opt", ["no-new-privileges", "seccomp=/s/seccomp.json"]],
    ["--pull", ["never"]],
    ["--ipc", ["private"]],
    ["--cgroupns", ["private"]],
    ["--user", ["1000:1001"]],
    ["--entrypoint", [""]],
    ["--hostname", ["box"]],
    ["--name", ["nanoguard-run-0123456789ab"]],
    ["--label", ["nanoguard.run=run-0123456789ab", "nanoguard.agent=coder", "nanoguard.state=0123456789ab"]],
    ["--workdir", ["/workspace"]],
    ["--env", ["HOME=/home/agent", "NOTE=two\nlines"]],
  ] as const)
    expect(valuesOf(args, name), name).toEqual(values)
  for (const flag of ["--rm", "--init", "--interactive", "--read-only", "--no-healthcheck"])
    expect(args).toContain(flag)
  for (const flag of ["--privileged", "--cap-add", "--device", "--pid", "--volume", "--tty", "--publish", "--uts"])
    expect(args).not.toContain(flag)
  expect(args.slice(-6)).toEqual([sampleSpec().image, ...sampleSpec().command])
})

test("everything is limited", () => {
  const args = ociArguments(sampleSpec(), host())
  expect(valuesOf(args, "--memory")).toEqual([String(2 ** 30)])
  expect(valuesOf(args, "--memory-swap")).toEqual([String(2 ** 30)])
  expect(valuesOf(args, "--pids-limit")).toEqual(["512"])
  expect(valuesOf(args, "--cpus")).toEqual(["1.5"])
  expect(valuesOf(args, "--ulimit")).toEqual(["nofile=4096:4096", "core=0:0", `fsize=${2 ** 32}:${2 ** 32}`])
})

test("without cgroups each process is limited, and the number of them", () => {
  const args = ociArguments(sampleSpec(), host({ cgroups: false }))
  expect(args).not.toContain("--memory")
  const data = 2 ** 30 + 2 ** 30
  expect(valuesOf(args, "--ulimit").slice(0, 2)).toEqual([`data=${data}:${data}`, "nproc=512:512"])
})

test("gVisor is given threads of its own", () => {
  const args = ociArguments(sampleSpec({ runtime: "runsc" }), host())
  expect(Number(valuesOf(args, "--pids-limit")[0])).toBeGreaterThan(512)
})

test("mounts are private, what is masked is empty and read-only, memory is sized", () => {
  const args = ociArguments(
    sampleSpec(),
    host({ bind: ["nosuid", "nodev"], tmpfs: ({ size }) => `,inodes=${size / 4096}` }),
  )
  expect(valuesOf(args, "--mount")).toEqual([
    "type=bind,src=/srv/project,dst=/workspace,nosuid,nodev,bind-propagation=rprivate",
    'type=bind,"src=/srv/a,""b""",dst=/run/nanoguard,nosuid,nodev,bind-propagation=rprivate,readonly',
    "type=bind,src=/s/empty-file,dst=/workspace/.env,nosuid,nodev,bind-propagation=rprivate,readonly",
    "type=bind,src=/s/empty,dst=/workspace/.git/hooks,nosuid,nodev,bind-propagation=rprivate,readonly",
    ...["hosts", "resolv.conf", "passwd", "group"].map(
      (name) => `type=bind,src=/s/${name},dst=/etc/${name},nosuid,nodev,bind-propagation=rprivate,readonly`,
    ),
  ])
  expect(valuesOf(args, "--tmpfs")).toEqual([
    "/tmp:rw,nosuid,nodev,exec,size=20480000,mode=1777,inodes=5000",
    "/var/tmp:rw,nosuid,nodev,noexec,size=4096,mode=0700,inodes=1",
  ])
  expect(valuesOf(args, "--shm-size")).toEqual(["65536"])
})

test("what the image declares as volumes is memory, unless something is mounted there", () => {
  const args = ociArguments(sampleSpec(), host({ volumes: ["/data", "/workspace"] }))
  expect(valuesOf(args, "--tmpfs").filter((value) => value?.startsWith("/data:"))).toEqual([
    "/data:rw,nosuid,nodev,noexec,size=67108864,mode=1777",
  ])
  expect(valuesOf(args, "--tmpfs").some((value) => value?.startsWith("/workspace:"))).toBe(false)
})

test("a terminal, SELinux and a mount of one's own over /etc/hosts", () => {
  const mounts = [{ kind: "bind", source: "/own", target: "/etc/hosts", write: false }] as const
  const args = ociArguments(sampleSpec({ tty: true, mounts }), host({ selinux: true }))
  expect(args).toContain("--tty")
  expect(valuesOf(args, "--security-opt")).toContain("label=disable")
  expect(valuesOf(args, "--mount").filter((value) => value?.includes("dst=/etc/hosts,"))).toHaveLength(1)
})

test.each(["--privileged", "", "a b", "x;y", `x${"y".repeat(600)}`])("an image called %j is refused", (image) => {
  expect(() => ociArguments(sampleSpec({ image }), host())).toThrow("no name of an image")
})

test("a path that cannot be said is refused, and shown without its controls", () => {
  const mounts = [{ kind: "bind", source: "/a\u001b]0;x\n", target: "/b", write: true }] as const
  expect(() => ociArguments(sampleSpec({ mounts }), host())).toThrow("/a\\u{1b}]0;x\\u{a}")
  const memory = [{ kind: "tmpfs", target: "/a:exec", size: 1, mode: 0, exec: false }] as const
  expect(() => ociArguments(sampleSpec({ mounts: memory }), host())).toThrow("cannot be told of the path /a:exec")
})

test("a run that is none names no container", () => {
  expect(() => ociArguments(sampleSpec({ run: "run-0123456789ab --privileged" }), host())).toThrow("without a run")
})
