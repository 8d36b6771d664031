// Texts that end in verdicts, where agents, terminals and chat cards show them.

/** Printable ASCII only: what an agent or a registry wrote becomes one harmless line of at most `limit` characters. */
export function plainText(text: string, limit = 500): string {
  const short = text.length > limit ? `${text.slice(0, limit - 3)}...` : text
  return /[^\x20-\x7e]/.test(short) ? short.replace(/[^\x20-\x7e]/g, "?") : short
}

/** Characters of an id that comes from upstream (advisories, script names); anything else is replaced. */
export function plainId(text: string): string {
  return text.slice(0, 80).replace(/[^A-Za-z0-9._:@/+-]/g, "?")
}
