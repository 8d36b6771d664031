// Words as a POSIX shell reads them back.

// Nothing in these means anything to a shell, at no place of a command but its first word.
const PLAIN = /^[\w%+,./:@-]+$/

/** One word, quoted so that a POSIX shell takes it as it is, whatever it holds. It must not hold NUL. */
export function quoteWord(word: string): string {
  if (PLAIN.test(word)) return word
  return `'${word.replaceAll("'", "'\\''")}'`
}

/** Words as one command line. */
export function quoteWords(words: readonly string[]): string {
  return words.map(quoteWord).join(" ")
}
