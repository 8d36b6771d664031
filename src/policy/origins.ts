const known = new Map<string, string>()

/** The comparable form of a registry's base address: lower-case host, no default port, no trailing slash. */
export function originOf(address: string): string {
  const cached = known.get(address)
  if (cached !== undefined) return cached
  let origin = address
  try {
    const url = new URL(address)
    origin = `${url.protocol}//${url.host}${url.pathname}`.replace(/\/+$/, "")
  } catch {
    // Not an address; it equals only itself.
  }
  if (known.size > 1000) known.clear()
  known.set(address, origin)
  return origin
}
