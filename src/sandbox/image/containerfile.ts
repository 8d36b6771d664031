// What is read of a Containerfile before it is built: its bases, and what is to be installed.
import { EXIT, NanoguardError } from "../../errors.ts"

/** Where it lies in a repository. */
export const CONTAINERFILE = ".nanoguard/Containerfile"

const MAX_BYTES = 64 * 1024
const MAX_PACKAGES = 20

/** A package of npm with or without a version or tag: nothing that npm takes for a path, an address or an option. */
const PACKAGE = /^(?:@[a-z0-9~][a-z0-9._~-]{0,99}\/)?[a-z0-9~][a-z0-9._~-]{0,99}(?:@[A-Za-z0-9^~*.+-]{1,60})?$/

/** Whether a reference means the same image for ever: by digest, or by the id of one that is here. */
export const isPinned = (reference: string) => /(?:^|@)sha256:[0-9a-f]{64}$/.test(reference)

export interface Containerfile {
  text: string
  /** References of images that it starts from, in order; stages of its own left out. */
  bases: readonly string[]
  /** What `LABEL nanoguard.install` names, as npm takes it. */
  install: readonly string[]
}

/** What an image is made of here. `ADD` fetches addresses, past the gate; `ONBUILD` acts in another build. */
const ALLOWED = new Set(["FROM", "LABEL", "COPY", "ENV", "WORKDIR", "USER", "RUN", "ARG", "SHELL"])

/** Reads one. Errors: configuration, for what cannot be built, could mean another thing than it says, or would fetch something past the gate. */
export function readContainerfile(text: string): Containerfile {
  if (Buffer.byteLength(text) > MAX_BYTES) throw invalid("is larger than 64 KiB", "keep it to what an image needs")
  // A parser directive could have another program read the rest.
  if (/^\s*#\s*(?:syntax|escape|check)\s*=/im.test(text))
    throw invalid("begins with a parser directive", "remove that line")
  const stages = new Set<string>()
  const bases: string[] = []
  for (const line of instructionsOf(text)) {
    const instruction = /^[A-Za-z]+/.exec(line)?.[0].toUpperCase() ?? ""
    refuseInstruction(instruction, line, stages)
    if (instruction !== "FROM") continue
    const [, reference = "", stage] = /^FROM\s+(\S+)(?:\s+AS\s+([\w.-]+))?$/i.exec(line) ?? []
    if (reference === "" || /\$|^-/.test(reference))
      throw invalid("has a FROM that cannot be read", "write FROM <image>, without variables and options")
    if (!stages.has(reference.toLowerCase())) bases.push(reference)
    if (stage !== undefined) stages.add(stage.toLowerCase())
  }
  if (bases.length === 0) throw invalid("has no FROM", "write it anew: nanoguard init --force")
  return { text, bases, install: readInstall(instructionsOf(text)) }
}

function instructionsOf(text: string): string[] {
  const lines = text.split(/\r?\n/).filter((line) => !/^\s*(?:#|$)/.test(line))
  return lines
    .join("\n")
    .replace(/\\[ \t]*\n/g, " ")
    .split("\n")
    .map((line) => line.trim())
}

function refuseInstruction(instruction: string, line: string, stages: ReadonlySet<string>): void {
  if (!ALLOWED.has(instruction))
    throw invalid(`has the instruction ${/^\S{1,20}/.exec(line)?.[0]}`, `it takes ${[...ALLOWED].join(", ")}`)
  if (line.includes("<<")) throw invalid("has a here-document", "put it in a file, or in one line")
  const from = /^COPY\b.*\s--from=(\S+)/i.exec(line)?.[1]
  if (from !== undefined && !stages.has(from.toLowerCase()))
    throw invalid("copies from another image", "name that in a FROM of its own, pinned: FROM <image> AS <stage>")
  // Options of RUN give a step networks, secrets and devices.
  if (/^RUN\s+--/i.test(line)) throw invalid("has a RUN with options", "leave them out: the build has no network")
}

function readInstall(lines: readonly string[]): string[] {
  const label = lines.map((line) => /^LABEL\s+nanoguard\.install="([^"]*)"\s*$/i.exec(line)?.[1]).find(Boolean) ?? ""
  const names = label.split(" ").filter((name) => name !== "")
  const odd = names.find((name) => !PACKAGE.test(name))
  if (odd !== undefined || names.length > MAX_PACKAGES)
    throw invalid(
      "names something to install that is no package of npm",
      "write name or name@version, one space between",
    )
  return names
}

/** The text with a base replaced, and nothing else. */
export function replaceBase({ text }: Containerfile, base: string, pinned: string): string {
  const replaced = (line: string) => line.split(/(\s+)/).map((word) => (word === base ? pinned : word))
  return text
    .split("\n")
    .map((line) => (/^\s*FROM\s/i.test(line) ? replaced(line).join("") : line))
    .join("\n")
}

function invalid(what: string, hint: string): NanoguardError {
  return new NanoguardError(`the Containerfile ${what}`, {
    exit: EXIT.configuration,
    hint,
    where: { file: CONTAINERFILE },
  })
}
