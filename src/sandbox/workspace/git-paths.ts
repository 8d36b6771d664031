// Paths as git prints and reads them without -z (git-config(1), core.quotePath): a name that is no text goes through no other way, and one with
// a line break is one line. In between a path is its bytes, each as the character of its number (Latin-1).

/** Makes git print every path that is more than plain ASCII in quotes. */
export const QUOTED = ["-c", "core.quotePath=true"]

const LETTERS: Readonly<Record<string, string>> = {
  ...{ a: "\x07", b: "\b", t: "\t", n: "\n", v: "\v", f: "\f", r: "\r" },
}

/** The path that git printed. */
export function unquotePath(text: string): string {
  if (!text.startsWith('"')) return text
  return text
    .slice(1, -1)
    .replace(/\\([0-7]{3}|.)/g, (_, code: string) =>
      code.length === 3 ? String.fromCharCode(Number.parseInt(code, 8)) : (LETTERS[code] ?? code),
    )
}

/** A path for git to read. */
export function quotePath(path: string): string {
  const quoted = path.replace(/[^\x20-\x7e]|["\\]/g, (byte) => `\\${byte.charCodeAt(0).toString(8).padStart(3, "0")}`)
  return `"${quoted}"`
}

/** Of a path that is text. */
export const bytesOf = (path: string): string => Buffer.from(path).toString("latin1")

/** The path as text, as far as it is. */
export const textOf = (path: string): string => Buffer.from(path, "latin1").toString()

/** For the file system. */
export const fileOf = (path: string): Buffer => Buffer.from(path, "latin1")
