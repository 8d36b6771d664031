/** Services whose requests the gate can name: what `service` takes, and what an operation begins with. */
export const SERVICES = [
  "github",
  "gitlab",
  "git",
  "npm",
  "pypi",
  "cargo",
  "slack",
  "linear",
  "stripe",
  "aws",
  "google",
  "anthropic",
  "openai",
  "graphql",
  "mcp",
] as const

/** Methods that change nothing (RFC 9110, section 9.2.1): what `access` goes by where nothing more is known. */
const SAFE: readonly string[] = ["GET", "HEAD", "OPTIONS"]

/** Whether a request reads or writes, by its method. What is said on a WebSocket once it is open is not seen. */
export const accessOf = (method: string, scheme: string): "read" | "write" =>
  SAFE.includes(method) && !scheme.startsWith("ws") ? "read" : "write"
