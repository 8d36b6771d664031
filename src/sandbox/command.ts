// How long the command of a box may be, wherever it enters, and how much of it the file of the box has.

/** Most words of a command, and most bytes of it as JSON: less than whoever reads a box's file or a gate's request takes. */
const MAX_WORDS = 10_000
const MAX_BYTES = 512 * 1024

/** Words that the file of a box has, and characters of each: a person may want to see them, and nothing rests on them. */
const KEPT_WORDS = 20
const KEPT_CHARACTERS = 500

/** What a command may be at most, for the end of a sentence. */
export const COMMAND_LIMIT = `at most ${MAX_WORDS} words, and ${MAX_BYTES / 1024} KiB of JSON`

/** Whether a command is no longer than any may be. */
export function isShort(command: readonly string[]): boolean {
  return command.length <= MAX_WORDS && Buffer.byteLength(JSON.stringify(command)) <= MAX_BYTES
}

/** The first words of a command, each cut: at most 60 kB of JSON, whatever it is. */
export function beginningOf(command: readonly string[]): string[] {
  return command.slice(0, KEPT_WORDS).map((word) => word.slice(0, KEPT_CHARACTERS))
}
