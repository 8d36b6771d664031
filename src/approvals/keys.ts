// A person's own key, made by us and kept encrypted. Keys that OpenSSH keeps are in ssh.ts.
import {
  createCipheriv,
  createDecipheriv,
  createPrivateKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  scryptSync,
  sign,
} from "node:crypto"
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { isAbsolute, join } from "node:path"
import type { Context } from "../context.ts"
import { EXIT, NanoguardError } from "../errors.ts"
import { dataHome, homeDirectory } from "../home.ts"
import { APPROVER_NAME } from "./approvers.ts"
import { formatPublicKey } from "./signature.ts"
import type { Signer } from "./types.ts"

/** scrypt (RFC 7914): 128 MiB and some tenths of a second for each guess. */
const SCRYPT = { N: 2 ** 17, r: 8, p: 1 } as const
const MAX_MEMORY = 256 * 1024 * 1024

/** Fewest characters of a new passphrase. */
export const MIN_PASSPHRASE = 8

/** As it lies on disk: an Ed25519 key in PKCS8 under AES-256-GCM with a key that scrypt makes of the passphrase. */
interface KeyFile {
  v: 1
  name: string
  publicKey: string
  scrypt: { N: number; r: number; p: number; salt: string }
  iv: string
  tag: string
  sealed: string
}

/** Where a person's keys are: `$NANOGUARD_HOME/config/keys`, else below `XDG_CONFIG_HOME`, else `~/.config/nanoguard/keys`. */
export function keyDirectory(ctx: Pick<Context, "env">): string {
  if (ctx.env["NANOGUARD_HOME"]) return join(dataHome(ctx), "config", "keys")
  const xdg = ctx.env["XDG_CONFIG_HOME"]
  return join(xdg && isAbsolute(xdg) ? xdg : join(homeDirectory(ctx.env), ".config"), "nanoguard", "keys")
}

/** Makes a key and keeps it, for its owner's eyes only. Errors: usage (passphrase too short), findings (there is one already), environment. */
export function createKey(directory: string, name: string, passphrase: string): { publicKey: string; file: string } {
  if (passphrase.length < MIN_PASSPHRASE)
    throw refuse(
      `the passphrase is shorter than ${MIN_PASSPHRASE} characters`,
      "whoever has the file can guess a short one",
      EXIT.usage,
    )
  const { privateKey } = generateKeyPairSync("ed25519")
  const publicKey = formatPublicKey(privateKey)
  const [salt, iv] = [randomBytes(16), randomBytes(12)]
  const cipher = createCipheriv("aes-256-gcm", deriveKey(passphrase, salt, SCRYPT), iv)
  cipher.setAAD(Buffer.from(`${name}\n${publicKey}`))
  const der = privateKey.export({ type: "pkcs8", format: "der" })
  const sealed = Buffer.concat([cipher.update(der), cipher.final()]).toString("base64")
  der.fill(0)
  const tag = cipher.getAuthTag().toString("base64")
  const content: KeyFile = {
    ...{ v: 1, name, publicKey, scrypt: { ...SCRYPT, salt: salt.toString("base64") } },
    ...{ iv: iv.toString("base64"), tag, sealed },
  }
  const file = keyFile(directory, name)
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    const fd = openSync(file, "wx", 0o600)
    try {
      writeFileSync(fd, `${JSON.stringify(content, null, 2)}\n`)
    } finally {
      closeSync(fd)
    }
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === "EEXIST")
      throw refuse(
        `there is a key of ${name} already`,
        "remove or move the file to make another one",
        EXIT.findings,
        file,
      )
    throw refuse(
      `the key cannot be kept (${code})`,
      "XDG_CONFIG_HOME or NANOGUARD_HOME says where it goes",
      EXIT.environment,
      file,
    )
  }
  return { publicKey, file }
}

/** Names of the keys that are there. */
export function listKeys(directory: string): string[] {
  try {
    return readdirSync(directory).flatMap((file) => (file.endsWith(".json") ? [file.slice(0, -5)] : []))
  } catch {
    return []
  }
}

/** Takes back what `createKey` has made, where enrolling failed. */
export function discardKey(file: string): void {
  rmSync(file, { force: true })
}

/** The key of that name, with its public half; undefined where there is none. Errors: environment (unreadable). */
export function findKey(directory: string, name: string): KeyFile | undefined {
  const file = keyFile(directory, name)
  let text: string
  try {
    text = readFileSync(file, "utf8")
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined
    throw refuse(
      `the key cannot be read (${(error as NodeJS.ErrnoException).code})`,
      "it belongs to you alone: check its rights",
      EXIT.environment,
      file,
    )
  }
  const key = parseKey(text)
  if (key?.name === name) return key
  throw refuse("this is no key of nanoguard", "restore it, or have another one enrolled", EXIT.environment, file)
}

/** Opens a key. Errors: findings (wrong passphrase, or a file that was changed). */
export function openKey(key: KeyFile, passphrase: string): Signer {
  let privateKey: KeyObject
  try {
    const { salt, ...cost } = key.scrypt
    const derived = deriveKey(passphrase, Buffer.from(salt, "base64"), cost)
    const decipher = createDecipheriv("aes-256-gcm", derived, Buffer.from(key.iv, "base64"), { authTagLength: 16 })
    decipher.setAAD(Buffer.from(`${key.name}\n${key.publicKey}`))
    decipher.setAuthTag(Buffer.from(key.tag, "base64"))
    const der = Buffer.concat([decipher.update(Buffer.from(key.sealed, "base64")), decipher.final()])
    privateKey = createPrivateKey({ key: der, type: "pkcs8", format: "der" })
    der.fill(0)
  } catch {
    throw refuse(`the passphrase is not that of ${key.name}'s key`, "try again; nothing was signed", EXIT.findings)
  }
  return {
    name: key.name,
    sign: async (message) => `ed25519:${sign(null, Buffer.from(message), privateKey).toString("base64")}`,
  }
}

function keyFile(directory: string, name: string): string {
  if (!APPROVER_NAME.test(name))
    throw refuse("this is no name of an approver", "letters, digits and . _ @ + -", EXIT.usage)
  return join(directory, `${name}.json`)
}

function parseKey(text: string): KeyFile | undefined {
  try {
    const key = JSON.parse(text) as KeyFile
    const texts = [key.name, key.publicKey, key.iv, key.tag, key.sealed, key.scrypt.salt]
    const numbers = [key.scrypt.N, key.scrypt.r, key.scrypt.p]
    return key.v === 1 && texts.every((one) => typeof one === "string") && numbers.every(Number.isSafeInteger)
      ? key
      : undefined
  } catch {
    return undefined
  }
}

const deriveKey = (passphrase: string, salt: Buffer, cost: { N: number; r: number; p: number }) =>
  scryptSync(passphrase.normalize("NFC"), salt, 32, { ...cost, maxmem: MAX_MEMORY })

/** The error of a key or its file. */
export function refuse(message: string, hint: string, exit: 1 | 2 | 5, file?: string): NanoguardError {
  return new NanoguardError(message, { exit, hint, ...(file !== undefined && { where: { file } }) })
}
