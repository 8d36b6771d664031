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

/** Reads one. Errors: configuration, for what cannot be built or could mean another thing than it says. */
export function readContainerfile(text: string): Containerfile {
  if (Buffer.byteLength(text) > MAX_BYTES) throw invalid("is larger than 64 KiB", "keep it to what an image needs")
  const lines = text.split(/\r?\n/).filter((line) => !/^\s*(?:#|$)/.test(line))
  // A parser directive could have another program read the rest.
  if (/^\s*#\s*(?:syntax|escape)\s*=/im.test(text)) throw invalid("names a syntax of its own", "remove that line")
  const stages = new Set<string>()
  const bases: string[] = []
  for (const line of lines) {
    const from = /^\s*FROM\s+(?:--\S+\s+)*(\S+)(?:\s+AS\s+(\S+))?\s*$/i.exec(line)
    if (/^\s*FROM\b/i.test(line) && from === null) throw invalid("has a FROM that cannot be read", "write FROM <image>")
    if (from === null) continue
    const [, reference = "", stage] = from
    if (reference.includes("$")) throw invalid("has a FROM with a variable in it", "write the image out")
    if (!stages.has(reference.toLowerCase())) bases.push(reference)
    if (stage !== undefined) stages.add(stage.toLowerCase())
  }
  if (bases.length === 0) throw invalid("has no FROM", "write it anew: nanoguard init --force")
  return { text, bases, install: readInstall(lines) }
}

function readInstall(lines: readonly string[]): string[] {
  const label = lines.map((line) => /^\s*LABEL\s+nanoguard\.install="([^"]*)"\s*$/i.exec(line)?.[1]).find(Boolean) ?? ""
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
