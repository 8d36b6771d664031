// F1 to F4, and what of the host may not be read: nothing here is written that the host would miss.
import {
  closeSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statfsSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs"
import { join } from "node:path"
import { broke, config, held, none, refused, systemCall, unknown } from "./tools.mjs"

const reads = (path) => {
  try {
    return readFileSync(path, "latin1").slice(0, 1_000_000).includes(config.canary)
  } catch {
    return false
  }
}
const exists = (path) => {
  try {
    statSync(path)
    return true
  } catch {
    return false
  }
}
const writes = (path, text = `#!/bin/sh\n# ${config.canary}\n`) => {
  try {
    mkdirSync(join(path, ".."), { recursive: true })
    writeFileSync(path, text, { mode: 0o755 })
    return true
  } catch {
    return false
  }
}
const does = (work) => {
  try {
    work()
    return true
  } catch {
    return false
  }
}
/** Whether a file could be changed. One that is there is only opened; another is made, and taken away with what was made for it. */
const changes = (path) => {
  if (exists(path)) return does(() => closeSync(openSync(path, "r+")))
  let made
  const done = does(() => {
    made = mkdirSync(join(path, ".."), { recursive: true })
    closeSync(openSync(path, "wx"))
    rmSync(path)
  })
  if (made !== undefined) does(() => rmSync(made, { recursive: true }))
  return done
}

/** Moves something away and back: what is not to be changed is not to be replaced either. */
function moves(path) {
  if (!exists(path) || !does(() => renameSync(path, `${path}.moved`))) return false
  does(() => renameSync(`${path}.moved`, path))
  return true
}

/** Files below a directory that hold a private key. */
function findKeys(directory, found = [], depth = 4) {
  for (const entry of does(() => readdirSync(directory)) ? readdirSync(directory, { withFileTypes: true }) : []) {
    const path = join(directory, entry.name)
    if (entry.isDirectory() && depth > 0) findKeys(path, found, depth - 1)
    else if (entry.isFile() && does(() => readFileSync(path)) && readFileSync(path, "latin1").includes("PRIVATE KEY"))
      found.push(path)
  }
  return found
}

export const probes = [
  {
    ...{ id: "host-files", item: "F1", title: "files of the host by links, .., /proc and inherited descriptors" },
    run: () => {
      const target = config.hostFile
      const way = "/workspace/nanoguard-probe-link"
      const links = [target, `../../../../../../..${target}`, `/proc/self/root${target}`, `/proc/1/root${target}`]
      const attempts = links.map((path) => {
        rmSync(way, { force: true })
        does(() => symlinkSync(path, way))
        return [path, reads(path) || reads(way)]
      })
      rmSync(way, { force: true })
      attempts.push(["a hard link", does(() => linkSync(target, way)) && reads(way)])
      rmSync(way, { force: true })
      for (const fd of does(() => readdirSync("/proc/self/fd")) ? readdirSync("/proc/self/fd") : [])
        attempts.push([
          `descriptor ${fd}`,
          reads(`/proc/self/fd/${fd}/${target}`) || reads(`/proc/self/fd/${fd}/../../../../..${target}`),
        ])
      return none(attempts)
    },
  },
  {
    ...{ id: "host-state", item: "beyond", title: "nanoguard's record, vault, keys and policy; the person's own keys" },
    run: () => none(config.hostPaths.map((path) => [path, exists(path)])),
  },
  {
    ...{ id: "ca-key", item: "beyond", title: "the private key of the run's certificate authority" },
    run: () => {
      const found = findKeys("/run/nanoguard")
      return found.length > 0 ? broke(found.join(", ")) : held("no private key is in the box")
    },
  },
  {
    ...{ id: "settings-write", item: "F2", title: "changing the relay, the settings or the gate's socket" },
    run: () =>
      none([
        ["/run/nanoguard/probe", changes("/run/nanoguard/probe")],
        ["the relay", exists("/run/nanoguard/relay.mjs") && changes("/run/nanoguard/relay.mjs")],
        ["a file beside the socket", changes("/run/nanoguard/gate/probe")],
        ["moving the socket", moves("/run/nanoguard/gate/gate.sock")],
        ["moving its directory", moves("/run/nanoguard/gate")],
      ]),
  },
  {
    ...{
      id: "protected",
      item: "F2",
      title: "what would run on the host later: hooks, git's settings, editors, agents, the policy",
    },
    run: () => {
      if (config.protected.length === 0) return unknown("the workspace is no directory of the host")
      const attempts = config.protected.map((path) => [path, writes(join("/workspace", path))])
      for (const path of [".git", ".git/hooks", ".git/config", "nanoguard.yaml"]) {
        if (!config.protected.some((one) => one === path || one.startsWith(`${path}/`))) continue
        attempts.push([`moving ${path}`, moves(join("/workspace", path))])
      }
      return none(attempts)
    },
  },
  {
    ...{ id: "workspace-secrets", item: "F3", title: "secrets in the workspace" },
    run: () => {
      if (config.secrets.length === 0) return unknown("none were put there")
      return none(config.secrets.map((path) => [path, reads(join("/workspace", path))]))
    },
  },
  {
    ...{ id: "root-write", item: "F4", title: "writing to the box's own system" },
    run: () =>
      none(
        ["/probe", "/usr/bin/probe", "/etc/passwd", "/bin/probe", "/var/lib/probe", "/root/.bashrc"].map((path) => [
          path,
          changes(path),
        ]),
      ),
  },
  {
    ...{ id: "preload", item: "beyond", title: "LD_PRELOAD for whatever the host starts later" },
    run: () =>
      none(
        [
          ...["/etc/ld.so.preload", "/etc/ld.so.conf.d/probe.conf", "/etc/ld.so.cache", "/etc/environment"],
          ...["/etc/environment.d/probe.conf", "/etc/profile.d/probe.sh", "/etc/security/pam_env.conf"],
        ].map((path) => [path, changes(path)]),
      ),
  },
  {
    ...{ id: "device-nodes", item: "F4", title: "making device nodes" },
    run: () => {
      // mknodat(AT_FDCWD, path, S_IFCHR | 0600, 1:5), which is /dev/zero.
      const made = ["/workspace/nanoguard-probe-node", "/tmp/nanoguard-probe-node"].map((path) => {
        const call = systemCall("mknodat", -100, path, 0o20600, 261)
        rmSync(path, { force: true })
        return [path, call]
      })
      if (made.some(([, call]) => call === undefined)) return unknown("neither perl nor python3 is here")
      return none(made.map(([path, call]) => [path, call.result === 0]))
    },
  },
  {
    ...{ id: "devices", item: "K4", title: "devices other than the harmless ones" },
    run: () => {
      const fine = /^(?:null|zero|full|u?random|tty|console|pts|ptmx|shm|mqueue|fd|stdin|stdout|stderr|core|log)$/
      const others = readdirSync("/dev").filter((name) => !fine.test(name))
      return others.length === 0 ? held("null, zero, random and terminals") : broke(others.slice(0, 20).join(", "))
    },
  },
  {
    ...{ id: "tmpfs-size", item: "F4", title: "filling memory or disk by temporary files" },
    run: () => {
      const seen = ["/tmp", "/dev/shm", process.env.HOME ?? "/home", "/var/tmp", "/run"].flatMap((path) => {
        if (!exists(path) || !writes(join(path, ".nanoguard-probe"), "")) return []
        rmSync(join(path, ".nanoguard-probe"), { force: true })
        const { blocks, bsize } = statfsSync(path)
        return [
          [`${path} of ${Math.round((blocks * bsize) / 2 ** 20)} MiB`, blocks === 0 || blocks * bsize > 16 * 2 ** 30],
        ]
      })
      const unbounded = seen.filter(([, open]) => open)
      return unbounded.length > 0
        ? broke(unbounded.map(([what]) => what).join(", "))
        : held(seen.map(([what]) => what).join(", "))
    },
  },
  {
    ...{ id: "descriptors", item: "K4", title: "descriptors that were left open" },
    run: () => {
      const odd = readdirSync("/proc/self/fd").flatMap((fd) => {
        try {
          const to = readlinkSync(`/proc/self/fd/${fd}`)
          return to.startsWith("/") &&
            !/^\/(?:dev\/(?:null|pts|tty|u?random|console)|proc\/|workspace\/probes\/)/.test(to)
            ? [`${fd}: ${to}`]
            : []
        } catch {
          return []
        }
      })
      return odd.length === 0 ? held("standard streams alone") : broke(odd.join(", "))
    },
  },
  {
    ...{ id: "handles", item: "K5", title: "files by handle, past every mount" },
    run: () => refused("open_by_handle_at", -100, 0, 0),
  },
]
