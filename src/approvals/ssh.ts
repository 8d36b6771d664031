// Keys that OpenSSH keeps: in a file, in an agent, wherever `ssh-keygen -Y sign` finds them.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Context } from "../context.ts"
import { EXIT } from "../errors.ts"
import { refuse } from "./keys.ts"
import { NAMESPACE, readPublicKey, readSshSignature } from "./signature.ts"
import type { Signer } from "./types.ts"

/**
 * Signs through `ssh-keygen`, which asks for a passphrase or an agent itself. `file` is the private key or its public half; where
 * absent, the agent is asked for the key that is enrolled. Errors: environment (no ssh-keygen), findings (it did not sign).
 */
export function sshSigner(ctx: Pick<Context, "exec" | "env">, name: string, publicKey: string, file?: string): Signer {
  return {
    name,
    async sign(message) {
      const directory = mkdtempSync(join(tmpdir(), "nanoguard-sign-"))
      try {
        const key = file ?? join(directory, "key.pub")
        if (file === undefined) writeFileSync(key, `${publicKey}\n`, { mode: 0o600 })
        const result = await ctx
          .exec("ssh-keygen", ["-Y", "sign", "-q", "-f", key, "-n", NAMESPACE], {
            input: message,
            env: ctx.env,
            timeout: 120_000,
          })
          .catch(() => undefined)
        if (!result)
          throw refuse(
            "ssh-keygen is not there",
            "install OpenSSH, or enrol a key that nanoguard makes",
            EXIT.environment,
          )
        const signature = readSshSignature(result.stdout)
        if (signature) return signature
        throw refuse(
          `ssh-keygen did not sign for ${name}`,
          "load the key into ssh-agent, or name its file with --key",
          EXIT.findings,
        )
      } finally {
        rmSync(directory, { recursive: true, force: true })
      }
    },
  }
}

/** The first Ed25519 key of a public key file (`ssh-ed25519 AAAA... comment`). Errors: usage. */
export function readPublicKeyFile(path: string, shown: string): string {
  let text: string
  try {
    text = readFileSync(path, "utf8").slice(0, 16_384)
  } catch (error) {
    throw refuse(
      `the public key cannot be read (${(error as NodeJS.ErrnoException).code})`,
      "name a file such as ~/.ssh/id_ed25519.pub",
      EXIT.usage,
      shown,
    )
  }
  const key = text
    .split("\n")
    .map(readPublicKey)
    .find((found) => found !== undefined)
  if (key !== undefined) return key
  throw refuse(
    "this holds no Ed25519 public key",
    "make one with `ssh-keygen -t ed25519`; other kinds are not taken",
    EXIT.usage,
    shown,
  )
}
