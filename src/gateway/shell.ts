// Settings as a shell's own commands: what `nanoguard gateway env` prints, to be evaluated.

export type Shell = "posix" | "fish" | "powershell"

interface Syntax {
  set: (name: string, value: string) => string
  unset: (name: string) => string
  comment: (text: string) => string
}

/** In single quotes nothing is expanded; only the quote itself needs care, and in fish the backslash. */
const SYNTAX: Readonly<Record<Shell, Syntax>> = {
  posix: {
    set: (name, value) => `export ${name}='${value.replaceAll("'", "'\\''")}'`,
    unset: (name) => `unset ${name}`,
    comment: (text) => `# ${text}`,
  },
  fish: {
    set: (name, value) => `set -gx ${name} '${value.replace(/[\\']/g, "\\$&")}'`,
    unset: (name) => `set -e ${name}`,
    comment: (text) => `# ${text}`,
  },
  powershell: {
    set: (name, value) => `$env:${name} = '${value.replace(/['\u2018\u2019\u201a\u201b]/g, "$&$&")}'`,
    unset: (name) => `Remove-Item -ErrorAction Ignore Env:${name}`,
    comment: (text) => `# ${text}`,
  },
}

/**
 * One command a variable, and the notes as comments. A variable that is to be empty is unset. Throws `RangeError` for a name
 * that is none in a shell, and for a value with a control character.
 */
export function renderSettings(
  { env, notes }: { env: Readonly<Record<string, string>>; notes: readonly string[] },
  shell: Shell,
): string {
  const { set, unset, comment } = SYNTAX[shell]
  const lines = Object.entries(env).map(([name, value]) => {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) throw new RangeError("a setting has a name that no shell can export")
    if (/\p{Cc}/u.test(value)) throw new RangeError("a setting has a control character")
    return value === "" ? unset(name) : set(name, value)
  })
  return `${[...lines, ...notes.map((note) => comment(note.replace(/\p{Cc}/gu, " ")))].join("\n")}\n`
}
