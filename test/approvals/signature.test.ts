// Signatures, held against the real ssh-keygen and OpenSSL's own Ed25519.
import { execFileSync, spawnSync } from "node:child_process"
import { generateKeyPairSync, sign } from "node:crypto"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import fc from "fast-check"
import { describe, expect, type TestContext, test } from "vitest"
import {
  fingerprintOf,
  formatPublicKey,
  NAMESPACE,
  readPublicKey,
  readSshSignature,
  verifySignature,
} from "../../src/approvals/signature.ts"
import { sshSigner } from "../../src/approvals/ssh.ts"
import { emptyHome, temporaryDirectory, testContext } from "../context.ts"

const MESSAGE = "nanoguard-approval-v1\nsha256:00\napprove\n{}\n1"

/** A key that ssh-keygen made, and a way to sign with it. */
function sshKey(t: TestContext, type = "ed25519") {
  if (spawnSync("ssh-keygen", ["-?"]).error) t.skip("ssh-keygen is missing: install OpenSSH's client")
  const directory = temporaryDirectory()
  const file = join(directory, "key")
  execFileSync("ssh-keygen", ["-q", "-t", type, "-N", "", "-C", "ana", "-f", file])
  const line = readFileSync(`${file}.pub`, "utf8")
  const signature = (message: string, namespace: string = NAMESPACE, ...more: string[]) =>
    execFileSync("ssh-keygen", ["-Y", "sign", "-q", "-f", file, "-n", namespace, ...more], {
      input: message,
      stdio: "pipe",
    }).toString()
  return { file, line, signature }
}

describe("a plain signature", () => {
  const { privateKey } = generateKeyPairSync("ed25519")
  const key = formatPublicKey(privateKey)
  const signature = `ed25519:${sign(null, Buffer.from(MESSAGE), privateKey).toString("base64")}`

  test("holds for its key and text, and for nothing else", () => {
    expect(verifySignature(key, MESSAGE, signature)).toBe(true)
    expect(verifySignature(formatPublicKey(generateKeyPairSync("ed25519").privateKey), MESSAGE, signature)).toBe(false)
    expect(verifySignature(key, `${MESSAGE}0`, signature)).toBe(false)
  })

  test("is never taken out of anything else, and nothing makes the check throw", () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.string(), (one, two, three) => {
        expect(verifySignature(one, two, three)).toBe(false)
        expect(verifySignature(key, two, `ed25519:${three}`)).toBe(false)
        expect(verifySignature(key, two, `sshsig:${Buffer.from(three).toString("base64")}`)).toBe(false)
      }),
    )
  })

  test("does not survive a flipped bit", () => {
    const bytes = Buffer.from(signature.slice("ed25519:".length), "base64")
    for (let bit = 0; bit < 512; bit += 7) {
      const other = Buffer.from(bytes)
      other[bit >> 3]! ^= 1 << (bit & 7)
      expect(verifySignature(key, MESSAGE, `ed25519:${other.toString("base64")}`)).toBe(false)
    }
  })
})

describe("OpenSSH", () => {
  test("signs what we verify, with either hash", (t) => {
    const { line, signature } = sshKey(t)
    const key = readPublicKey(line)!
    for (const hash of ["sha512", "sha256"]) {
      const blob = readSshSignature(signature(MESSAGE, NAMESPACE, "-O", `hashalg=${hash}`))!
      expect(verifySignature(key, MESSAGE, blob)).toBe(true)
      expect(verifySignature(key, `${MESSAGE} `, blob)).toBe(false)
    }
  })

  test("shows the fingerprint that we show, and writes the key that we write", (t) => {
    const { line, file } = sshKey(t)
    const shown = execFileSync("ssh-keygen", ["-l", "-f", `${file}.pub`]).toString()
    expect(shown.split(" ")[1]).toBe(fingerprintOf(readPublicKey(line)!))
    expect(line.startsWith(readPublicKey(line)!)).toBe(true)
  })

  test("is not believed for another purpose, another key or another kind of key", (t) => {
    const { line, signature } = sshKey(t)
    const key = readPublicKey(line)!
    expect(verifySignature(key, MESSAGE, readSshSignature(signature(MESSAGE, "git"))!)).toBe(false)
    const other = sshKey(t)
    expect(verifySignature(key, MESSAGE, readSshSignature(other.signature(MESSAGE))!)).toBe(false)
    const rsa = sshKey(t, "ecdsa")
    expect(readPublicKey(rsa.line)).toBeUndefined()
    expect(verifySignature(key, MESSAGE, readSshSignature(rsa.signature(MESSAGE))!)).toBe(false)
  })

  test("is not believed once a bit of its blob was flipped, wherever", (t) => {
    const { line, signature } = sshKey(t)
    const key = readPublicKey(line)!
    const bytes = Buffer.from(readSshSignature(signature(MESSAGE))!.slice("sshsig:".length), "base64")
    for (let at = 0; at < bytes.length; at++) {
      const other = Buffer.from(bytes)
      other[at]! ^= 1 << (at & 7)
      expect(verifySignature(key, MESSAGE, `sshsig:${other.toString("base64")}`)).toBe(false)
    }
    for (let end = 0; end < bytes.length; end += 5)
      expect(verifySignature(key, MESSAGE, `sshsig:${bytes.subarray(0, end).toString("base64")}`)).toBe(false)
  })

  test("signs for us from a file, and from its agent", async (t) => {
    const { line, file } = sshKey(t)
    const key = readPublicKey(line)!
    const ctx = testContext(temporaryDirectory(), { env: emptyHome() })
    for (const path of [file, `${file}.pub`])
      expect(verifySignature(key, MESSAGE, await sshSigner(ctx, "ana", key, path).sign(MESSAGE))).toBe(true)
    const socket = join(temporaryDirectory(), "agent")
    const started = spawnSync("ssh-agent", ["-a", socket], { encoding: "utf8" })
    const pid = /SSH_AGENT_PID=(\d+)/.exec(started.stdout ?? "")?.[1]
    if (!pid) t.skip("ssh-agent is missing: install OpenSSH's client")
    t.onTestFinished(() => void process.kill(Number(pid)))
    const env = { ...emptyHome(), SSH_AUTH_SOCK: socket }
    execFileSync("ssh-add", ["-q", file], { env, stdio: "pipe" })
    const agent = testContext(temporaryDirectory(), { env })
    expect(verifySignature(key, MESSAGE, await sshSigner(agent, "ana", key).sign(MESSAGE))).toBe(true)
  })

  test("says what to do where it cannot sign", async (t) => {
    const { line } = sshKey(t)
    const ctx = testContext(temporaryDirectory(), { env: emptyHome() })
    const signer = sshSigner(ctx, "ana", readPublicKey(line)!)
    await expect(signer.sign(MESSAGE)).rejects.toMatchObject({ hint: expect.stringContaining("ssh-agent") })
    const none = sshSigner(testContext(temporaryDirectory(), { env: emptyHome({ PATH: "/nonexistent" }) }), "ana", line)
    await expect(none.sign(MESSAGE)).rejects.toMatchObject({
      exit: 5,
      hint: expect.stringContaining("install OpenSSH"),
    })
  })
})

describe("a public key", () => {
  test("is read from a line with its comment, and only as Ed25519 of 32 bytes", () => {
    const key = formatPublicKey(generateKeyPairSync("ed25519").privateKey)
    expect(readPublicKey(`  ${key} ana@laptop\n`)).toBe(key)
    for (const wrong of [
      "",
      "ssh-ed25519",
      "ssh-ed25519 AAAA",
      `ssh-rsa ${key.split(" ")[1]}`,
      key.slice(0, -4),
      `${key}AAAA`,
      // The same key in another spelling: people are counted by it.
      `${key}=`,
      `${key}==`,
      key.replace("NzaC", "XXXX"),
    ])
      expect(readPublicKey(wrong)).toBeUndefined()
  })
})
