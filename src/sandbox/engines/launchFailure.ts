// Why a box did not start: what an engine's program leaves behind, as a message that says what to do.
import { EXIT, NanoguardError } from "../../errors.ts"
import { cleanText } from "../../render/clean.ts"
import type { EngineName } from "../types.ts"

interface Known {
  pattern: RegExp
  why: string
  hint: string
}

// Docker and Podman say these in their own words and in those of the OCI runtime.
const KNOWN: readonly Known[] = [
  {
    pattern: /no such image|image not known|unable to find image|pull policy is never|does not exist in local storage/i,
    why: "the image is not here",
    hint: "build the one that nanoguard init wrote, or pull it; a box fetches no image by itself",
  },
  {
    pattern: /executable file not found|no such file or directory.*exec|exec:.*no such file|executable.*not found/i,
    why: "the image has no node, which starts every box",
    hint: "use the image that nanoguard init writes, or one with node in its PATH",
  },
  {
    pattern: /unknown or invalid runtime|unknown runtime|invalid runtime name|no such runtime|runtime .*not found/i,
    why: "the engine has no such OCI runtime",
    hint: "install it and tell the engine of it, or leave sandbox.runtime out",
  },
  {
    pattern: /cgroup/i,
    why: "the engine cannot limit the box by cgroups",
    hint: "nanoguard doctor says what this machine has; on cgroups v2 let systemd delegate them (Delegate=yes), or use another engine",
  },
  {
    pattern: /rlimit|setrlimit|ulimit/i,
    why: "the engine may not set the limits of the box",
    hint: "raise the limits of the engine's service (LimitNOFILE), or lower those of the policy's sandbox",
  },
  {
    pattern: /newuidmap|newgidmap|subuid|subgid|user namespace/i,
    why: "user ids cannot be mapped",
    hint: "apt-get install uidmap, give yourself ranges in /etc/subuid and /etc/subgid, and allow user namespaces",
  },
  {
    pattern: /seccomp/i,
    why: "the engine does not take the seccomp profile",
    hint: "update the engine and its libseccomp",
  },
  {
    pattern: /no space left|disk quota/i,
    why: "the disk is full",
    hint: "make room where the engine keeps its containers",
  },
  {
    pattern: /container-init|catatonit|docker-init/i,
    why: "the engine has no init program for its boxes",
    hint: "apt-get install catatonit (Podman) or tini (Docker)",
  },
  {
    pattern: /permission denied.*(sock|daemon)|cannot connect to the docker daemon|is the docker daemon running/i,
    why: "the engine's daemon cannot be reached",
    hint: "nanoguard doctor",
  },
  {
    pattern: /name .*already in use|is already in use/i,
    why: "a container of that name is there already",
    hint: "nanoguard ps shows what runs; the next start removes what is left over",
  },
  {
    pattern: /mount|bind source/i,
    why: "a directory cannot be mounted into the box",
    hint: "check sandbox.mounts of the policy, and that the engine may read the directory",
  },
]

// `docker: Error response from daemon: ...`, `Error: ...` of podman and container, and lines of the runtime's log.
const OWN = /^(docker: |bwrap: |Error: |error: |time=".*level=error|.*OCI runtime)/i

/**
 * What to tell the person where a box ended before anything was heard of it: `said` is what its launcher printed, as far as that passed
 * through here. Only for a box of which nothing was heard: an agent can write the same.
 */
export function explainLaunchFailure(engine: EngineName, exitCode: number, said: string): NanoguardError {
  const lines = said.split("\n").filter((line) => OWN.test(line))
  const all = lines.join(" ")
  const known = KNOWN.find(({ pattern }) => pattern.test(all))
  const line = lines[0]?.replace(/^docker: Error response from daemon: |^docker: |^Error: /, "")
  const detail = line === undefined ? `it ended with ${exitCode} before anything ran in it` : cleanText(line, 300)
  return new NanoguardError(`${engine} could not start the box: ${known ? `${known.why} (${detail})` : detail}`, {
    exit: EXIT.environment,
    hint: known?.hint ?? "see what is said above, and nanoguard doctor",
  })
}
