// Which directories of the host may enter a box at all, whatever a policy says.
import { lstatSync, realpathSync, statSync } from "node:fs"
import { dirname, isAbsolute, join, relative, sep } from "node:path"
import type { Context } from "../../context.ts"
import { EXIT, NanoguardError } from "../../errors.ts"
import { dataHome, homeDirectory, stateHome } from "../../home.ts"

/** Whether `path` is `directory` or lies in it. Both in one spelling: real paths. */
export function isWithin(path: string, directory: string): boolean {
  const way = relative(directory, path)
  return way === "" || (way !== ".." && !way.startsWith(`..${sep}`) && !isAbsolute(way))
}

const KERNEL = ["/proc", "/sys", "/dev", "/boot"]
const SOCKETS = [
  ...["/var/run/docker.sock", "/run/docker.sock", "/run/podman", "/run/containerd", "/var/run/containerd", "/run/crio"],
  ...["/run/user", "/run/dbus", "/run/systemd", "/tmp/.X11-unix", "/var/lib/docker", "/var/lib/containers"],
]
// Below the home directory: what holds keys, or is run by the person's next shell or program.
const PRIVATE = [
  ...[".ssh", ".aws", ".gnupg", ".kube", ".azure", ".docker", ".config/gh", ".config/gcloud", ".config/glab-cli"],
  ...[".npmrc", ".pypirc", ".netrc", ".git-credentials", ".pgpass", ".vault-token", ".cargo/credentials"],
  ...[".cargo/credentials.toml", ".gem/credentials", ".m2/settings.xml", ".gradle/gradle.properties", ".terraform.d"],
  ...[
    ".password-store",
    ".local/share/keyrings",
    ".mozilla",
    ".config/google-chrome",
    ".config/chromium",
    ".thunderbird",
  ],
  ...[".claude", ".claude.json", ".codex", ".gemini", ".cursor", ".config/op", ".config/rclone", ".config/containers"],
  ...[".bashrc", ".bash_profile", ".profile", ".zshrc", ".zshenv", ".gitconfig", ".config/git", ".config/fish"],
  ...[
    "Library/Keychains",
    "Library/Application Support",
    ".config/systemd",
    ".config/autostart",
    ".bash_history",
    ".zsh_history",
  ],
]

/** A place that no mount may be, lie in, or contain. */
export interface Place {
  path: string
  what: string
}

/** Places of this machine and person, by their real paths. */
export function privatePlaces(ctx: Context): Place[] {
  const home = homeDirectory(ctx.env)
  const named: Place[] = [
    { path: stateHome(ctx), what: "nanoguard's record, keys and boxes" },
    { path: dataHome(ctx), what: "nanoguard's data" },
    ...KERNEL.map((path) => ({ path, what: "part of the kernel's own" })),
    ...SOCKETS.map((path) => ({ path, what: "a socket or store of the engines or the session" })),
    ...PRIVATE.map((path) => ({ path: join(home, path), what: "keys or settings of the person" })),
    ...socketsOf(ctx.env),
  ]
  return named.flatMap(({ path, what }) => {
    const real = realPath(path)
    return real === undefined || real === path
      ? [{ path, what }]
      : [
          { path, what },
          { path: real, what },
        ]
  })
}

function socketsOf(env: Context["env"]): Place[] {
  const hosts = [env["DOCKER_HOST"], env["CONTAINER_HOST"]].map((host) => host?.replace(/^unix:\/\//, ""))
  return [...hosts, env["SSH_AUTH_SOCK"], env["XDG_RUNTIME_DIR"]].flatMap((path) =>
    path !== undefined && isAbsolute(path) ? [{ path, what: "a socket of the engines or the session" }] : [],
  )
}

/** The real path, or undefined where there is nothing. */
export function realPath(path: string): string | undefined {
  try {
    return realpathSync.native(path)
  } catch {
    return undefined
  }
}

/** Whether the directory that a path lies in is there, and no link leads to it. */
export function isPlainWay(path: string): boolean {
  return realPath(dirname(path)) === dirname(path)
}

/**
 * The workspace's real path. Throws `NanoguardError` where it is no directory, or one that would hand the box more than a project:
 * `/`, the home directory or one above it, or one with private places in it. `directory` is the box's own state.
 */
export function checkRoot(ctx: Context, root: string, directory: string): string {
  const real = realPath(root)
  const refuse = (why: string, hint: string) =>
    new NanoguardError(`this directory cannot be a workspace: ${why}`, {
      exit: EXIT.usage,
      where: { file: root },
      hint,
    })
  if (real === undefined || !statSync(real).isDirectory())
    throw refuse("it is no directory that is there", "start it in the directory of a project")
  if (/[\0-\x1f\x7f]/.test(real)) throw refuse("its path has control characters", "rename it")
  const home = realPath(homeDirectory(ctx.env))
  if (real === "/" || (home !== undefined && isWithin(home, real)))
    throw refuse(
      real === "/" ? "it is the whole machine" : "it is or contains the home directory",
      "start it in the directory of a project",
    )
  for (const { path, what } of [{ path: directory, what: "the state of the box" }, ...privatePlaces(ctx)])
    if (isWithin(real, path) || (isWithin(path, real) && lstatSync(path, { throwIfNoEntry: false }) !== undefined))
      throw refuse(`${path} holds ${what}`, "start it in the directory of a project, or move the one of the two")
  return real
}
