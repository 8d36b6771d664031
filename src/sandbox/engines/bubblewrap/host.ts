// What of the host's own files a box without an image sees, read-only: programs and libraries, and the little of /etc that they
// need. Nothing of /home, /root, /var, /run, /srv, /mnt, /opt or /sys.
import { existsSync, lstatSync, readdirSync, readlinkSync } from "node:fs"
import { dirname, join } from "node:path"

// Settings of libraries and programs; nothing here holds a key. Parts of /etc/ssl and /etc/pki only: private keys lie beside them.
const SETTINGS = [
  "/etc/alternatives",
  "/etc/ca-certificates",
  "/etc/ssl/certs",
  "/etc/ssl/openssl.cnf",
  "/etc/pki/ca-trust/extracted",
  "/etc/pki/tls/certs",
  "/etc/pki/tls/openssl.cnf",
  "/etc/crypto-policies",
  "/etc/ld.so.cache",
  "/etc/ld.so.conf",
  "/etc/ld.so.conf.d",
  // Its settings may name passwords of repositories.
  "/etc/maven/m2.conf",
  "/etc/maven/logging",
  "/etc/mime.types",
  "/etc/protocols",
  "/etc/services",
]
const PROGRAMS = ["/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"]
// A global installation of Node with more programs than this is not looked through further.
const MOST_PROGRAMS = 200

/** Arguments of bwrap that lay out the host's programs. */
export function layOutHost(): string[] {
  return ["--ro-bind", "/usr", "/usr", ...PROGRAMS.flatMap(layOut), ...layOutSettings()]
}

/** Directories of programs that a box without an image has, for its PATH: that of Node first, where it is not the system's. */
export function programPath(node: string): string {
  const system = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"]
  const own = dirname(node)
  return (system.includes(own) ? system : [own, ...system]).join(":")
}

/** Directories above `path`, the outermost first, without the root. */
export function parents(path: string): string[] {
  const above = dirname(path)
  return above === "/" || above === path ? [] : [...parents(above), above]
}

/** A directory that everybody in the box may look into. */
export function makeDirectory(path: string): string[] {
  return ["--perms", "0755", "--dir", path]
}

/** A link of the host's root as the same link, a directory read-only. */
function layOut(path: string): string[] {
  const stats = lstatSync(path, { throwIfNoEntry: false })
  if (stats === undefined) return []
  return stats.isSymbolicLink() ? ["--symlink", readlinkSync(path), path] : ["--ro-bind", path, path]
}

function layOutSettings(): string[] {
  const java = readdirSync("/etc")
    .filter((name) => /^java(-[\w.-]+)?$/.test(name))
    .map((name) => `/etc/${name}`)
  const links = ["/etc/localtime", "/etc/os-release", "/etc/mtab"].flatMap(layOut)
  const paths = [...SETTINGS, ...java].filter((path) => existsSync(path))
  return [
    ...[...new Set(paths.flatMap(parents))].flatMap(makeDirectory),
    ...paths.flatMap((path) => ["--ro-bind", path, path]),
    ...links,
  ]
}

/**
 * The Node that runs nanoguard, for the relay runs with it, too, where it is not one of the system's programs (nvm, mise, a download): the program, the packages that are installed for
 * all projects and the links to theirs; nothing else, for such a prefix may be a home directory's `.local`.
 * It comes after all mounts: it may lie below one, such as `/tmp`.
 */
export function layOutNode(node: string): string[] {
  if (["/usr/", ...PROGRAMS.map((path) => `${path}/`)].some((path) => node.startsWith(path))) return []
  const bin = dirname(node)
  const packages = join(dirname(bin), "lib", "node_modules")
  const around = parents(node).flatMap(makeDirectory)
  if (!existsSync(packages)) return [...around, "--ro-bind", node, node]
  const links = readdirSync(bin, { withFileTypes: true })
    .slice(0, MOST_PROGRAMS)
    .filter((entry) => entry.isSymbolicLink())
    .map(({ name }) => [readlinkSync(join(bin, name)), join(bin, name)] as const)
    .filter(([target]) => target.startsWith("../lib/node_modules/"))
  return [
    ...around,
    ...makeDirectory(dirname(packages)),
    ...["--ro-bind", node, node, "--ro-bind", packages, packages],
    ...links.flatMap(([target, link]) => ["--symlink", target, link]),
  ]
}
