// Small files that every container is given read-only instead of what the engine or the host would put there.
import { createHash, randomBytes } from "node:crypto"
import { chmodSync, lstatSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type { Context } from "../../context.ts"
import { stateHome } from "../../home.ts"
import { seccompJson } from "../seccomp/profile.ts"
import type { BoxSpec } from "../types.ts"

/** Absolute paths on the host. */
export interface KeptFiles {
  /** The seccomp profile as the engines read it. */
  seccomp: string
  /** What a masked file and a masked directory are. */
  emptyFile: string
  emptyDirectory: string
  /** What is mounted over the file of the same name in /etc. */
  etc: Readonly<Record<"hosts" | "resolv.conf" | "passwd" | "group", string>>
}

/**
 * Writes what is missing or changed of them below the state directory; each is named by what is in it, so that two versions of
 * nanoguard keep out of each other's way. Errors: environment (a machine that has no seccomp profile).
 */
export function keepFiles(ctx: Pick<Context, "env">, spec: Pick<BoxSpec, "hostname" | "user" | "env">): KeptFiles {
  const directory = join(stateHome(ctx), "engines")
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const emptyDirectory = join(directory, "empty")
  mkdirSync(emptyDirectory, { recursive: true, mode: 0o555 })
  const { uid, gid } = spec.user
  const home = spec.env["HOME"] ?? "/"
  return {
    seccomp: keepFile(directory, "seccomp.json", seccompJson()),
    emptyFile: keepFile(directory, "empty-file", ""),
    emptyDirectory,
    etc: {
      // The engines would copy the host's: names and addresses of a network that is none of the box's business.
      hosts: keepFile(directory, "hosts", `127.0.0.1 localhost ${spec.hostname}\n::1 localhost\n`),
      // Nobody answers there, at once: names are the gate's to resolve.
      "resolv.conf": keepFile(directory, "resolv.conf", "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n"),
      // Programs ask who they are (os.userInfo, whoami, git): the image does not know the person's ids.
      passwd: keepFile(
        directory,
        "passwd",
        `agent:x:${uid}:${gid}:agent:${home}:/bin/sh\n${uid === 0 ? "" : "root:x:0:0:root:/:/usr/sbin/nologin\n"}nobody:x:65534:65534:nobody:/:/usr/sbin/nologin\n`,
      ),
      group: keepFile(directory, "group", `agent:x:${gid}:\n${gid === 0 ? "" : "root:x:0:\n"}nogroup:x:65534:\n`),
    },
  }
}

function keepFile(directory: string, name: string, text: string): string {
  const digest = createHash("sha256").update(text).digest("hex").slice(0, 12)
  const path = join(directory, `${digest}-${name}`)
  if (isAsWritten(path, text)) return path
  const unfinished = `${path}.${randomBytes(4).toString("hex")}`
  writeFileSync(unfinished, text, { mode: 0o444, flag: "wx" })
  // Whatever the umask says: a box of another user reads it.
  chmodSync(unfinished, 0o444)
  renameSync(unfinished, path)
  return path
}

function isAsWritten(path: string, text: string): boolean {
  try {
    const { size } = lstatSync(path)
    return lstatSync(path).isFile() && size === Buffer.byteLength(text) && readFileSync(path, "utf8") === text
  } catch {
    return false
  }
}
