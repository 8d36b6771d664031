// Keys that the system keeps: systemd's credentials, and the keychain of a desktop session. A key goes in and out by pipes, never
// by a command line.
import { randomBytes } from "node:crypto"
import type { Context } from "../context.ts"
import { EXIT } from "../errors.ts"
import { vaultError } from "./errors.ts"
import { KEY_SIZE } from "./keys.ts"

export type SystemContext = Pick<Context, "env" | "exec">

/** Milliseconds that a program of the system may take: a keychain may ask the person first. */
const TIMEOUT = 60_000
const MAX_OUTPUT = 64 * 1024

/** Name of the credential inside of what systemd encrypts, and service of the keychain's entries. */
const NAME = "nanoguard-vault"

/** Encrypts a key with `systemd-creds encrypt` (systemd 250; for users other than root 256). Errors: environment. */
export async function encryptWithSystemd(ctx: SystemContext, key: Buffer): Promise<string> {
  const text = await run(ctx, "systemd-creds", ["encrypt", ...scope(), `--name=${NAME}`, "-", "-"], encode(key))
  const sealed = text?.replace(/\s/g, "") ?? ""
  if (/^[A-Za-z0-9+/]{40,16384}={0,2}$/.test(sealed)) return sealed
  throw failed(
    "systemd-creds did not encrypt the key",
    "users other than root need systemd 256; or choose another --key",
  )
}

/** Opens what `encryptWithSystemd` made, on the same machine. Errors: environment. */
export async function decryptWithSystemd(ctx: SystemContext, sealed: string): Promise<Buffer> {
  const key = decode(await run(ctx, "systemd-creds", ["decrypt", ...scope(), `--name=${NAME}`, "-", "-"], sealed))
  if (key) return key
  throw failed(
    "systemd-creds did not give the vault's key",
    "it opens on the machine and for the user that made it alone",
  )
}

/** Root's credentials belong to the machine, anybody else's to them. */
const scope = () => (process.getuid?.() === 0 ? [] : ["--user"])

/** Puts a key into the keychain, and reads it back. Errors: environment. */
export async function storeInKeychain(ctx: SystemContext, account: string, key: Buffer, platform = process.platform) {
  if (platform === "darwin")
    // Commands on stdin: a password given as an argument would be in the list of processes.
    await run(ctx, "security", ["-i"], `add-generic-password -U -s ${NAME} -a ${account} -w ${encode(key)}\n`)
  else
    await run(
      ctx,
      "secret-tool",
      ["store", "--label=nanoguard's vault", "service", NAME, "account", account],
      encode(key),
    )
  const back = await readFromKeychain(ctx, account, platform)
  if (!back.equals(key)) throw failed("the keychain did not keep the vault's key", "choose another --key")
}

/** The key that the keychain has for this vault. Errors: environment. */
export async function readFromKeychain(
  ctx: SystemContext,
  account: string,
  platform: NodeJS.Platform = process.platform,
): Promise<Buffer> {
  const key = decode(
    platform === "darwin"
      ? await run(ctx, "security", ["find-generic-password", "-s", NAME, "-a", account, "-w"])
      : await run(ctx, "secret-tool", ["lookup", "service", NAME, "account", account]),
  )
  if (key) return key
  throw failed(
    "the keychain has no key of this vault",
    "unlock your session's keychain; it is there on this machine alone",
  )
}

/** Whether a keychain is there and keeps what it is given: tried with a key that is taken away again. */
export async function isKeychainThere(ctx: SystemContext, platform: NodeJS.Platform = process.platform) {
  const account = `probe-${randomBytes(6).toString("hex")}`
  try {
    await storeInKeychain(ctx, account, randomBytes(KEY_SIZE), platform)
    return true
  } catch {
    return false
  } finally {
    await removeFromKeychain(ctx, account, platform)
  }
}

/** Takes a key out of the keychain, where it is there. */
export async function removeFromKeychain(ctx: SystemContext, account: string, platform = process.platform) {
  if (platform === "darwin") await run(ctx, "security", ["delete-generic-password", "-s", NAME, "-a", account])
  else await run(ctx, "secret-tool", ["clear", "service", NAME, "account", account])
}

const encode = (key: Buffer) => key.toString("base64")

function decode(text: string | undefined): Buffer | undefined {
  if (text === undefined || !/^[A-Za-z0-9+/]{43}=\s*$/.test(text)) return undefined
  return Buffer.from(text.trim(), "base64")
}

/** What a program printed; undefined where it is missing, failed or took too long. */
async function run(ctx: SystemContext, file: string, args: readonly string[], input = ""): Promise<string | undefined> {
  const options = { input, env: ctx.env, timeout: TIMEOUT, maxBuffer: MAX_OUTPUT }
  const result = await ctx.exec(file, args, options).catch(() => undefined)
  return result?.exitCode === 0 ? result.stdout : undefined
}

const failed = (message: string, hint: string) => vaultError(message, hint, EXIT.environment)
