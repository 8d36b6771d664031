// `nanoguard secret import`: seals the login that a program has here already. The refresh token stays on the host.
import type { Context } from "../context.ts"
import { EXIT, type ExitCode } from "../errors.ts"
import type { SecretReport } from "../render/secret.ts"
import { setCredential } from "../vault/change.ts"
import type { Draft } from "../vault/credential.ts"
import { vaultError } from "../vault/errors.ts"
import { fileOf, findGeminiClient, findGitHubToken, findLogin } from "../vault/logins/find.ts"
import type { LoginName } from "../vault/logins/providers.ts"
import { readLogin } from "../vault/logins/read.ts"
import { findPreset } from "../vault/presets.ts"
import { guessShape } from "../vault/shapes.ts"
import { requireValue } from "../vault/value.ts"
import { done, type SecretFormat, withSigner } from "./secret.ts"
import { refuseValues } from "./secret-draft.ts"
import { openKeys } from "./secret-vault.ts"
import type { SigningOptions } from "./signing.ts"

export interface ImportOptions extends SigningOptions, SecretFormat {
  /** What the credential is called; the program's name where absent. */
  name?: string
  agent?: string[]
  /** For `gh`: which GitHub. */
  hostname?: string
  vaultPassphraseFile?: string
}

type Imported = { draft: Omit<Draft, "name">; value: string }

/** Seals a login as a credential. Exit: ok; findings (not logged in), usage, environment. */
export async function secretImport(
  ctx: Context,
  program: LoginName | "gh",
  options: ImportOptions,
): Promise<{ report: SecretReport; exit: ExitCode }> {
  const name = options.name ?? program
  refuseValues(name, [])
  const { draft, value } = program === "gh" ? await fromGitHub(ctx, options.hostname) : await fromLogin(ctx, program)
  const reach = { ...draft.reach, ...(options.agent && { agents: options.agent }) }
  return withSigner(ctx, options, async (store, signer) => {
    const { keys, made } = await openKeys(ctx, options.vaultPassphraseFile)
    const credential = await setCredential(
      store,
      { ...draft, name, reach },
      { value, keys },
      signer,
      ctx.now(),
      "secret",
    )
    return done(ctx, options, "set", credential, made)
  })
}

async function fromGitHub(ctx: Context, hostname = "github.com"): Promise<Imported> {
  if (!/^[a-z0-9][a-z0-9.-]{0,252}$/.test(hostname))
    throw vaultError("--hostname is none", "such as github.com", EXIT.usage)
  const token = await findGitHubToken(ctx, hostname)
  if (!token) throw notThere("gh", `gh auth login --hostname ${hostname}`)
  const { reach, slot, shape, env } = await findPreset("github")
  // A GitHub of one's own has its API below its own name.
  const own = hostname === "github.com" ? reach : { hosts: [hostname], paths: ["/api/**"] }
  const value = requireValue("gh", token, slot)
  const seen = guessShape(value)
  return { draft: { reach: own, slot, source: { from: "value" }, shape: seen === "plain" ? shape : seen, env }, value }
}

/** Where each login goes, and which variable its program takes it from. */
const LOGINS: Readonly<Record<LoginName, Pick<Draft, "reach" | "shape" | "env"> & { login: string }>> = {
  claude: {
    reach: { hosts: ["api.anthropic.com"] },
    ...{ shape: "anthropic-oauth", env: ["CLAUDE_CODE_OAUTH_TOKEN"], login: "claude /login" },
  },
  codex: {
    reach: { hosts: ["chatgpt.com"], paths: ["/backend-api/**"] },
    ...{ shape: "jwt", login: "codex login" },
  },
  gemini: {
    reach: { hosts: ["cloudcode-pa.googleapis.com"] },
    ...{ shape: "plain", env: ["GOOGLE_CLOUD_ACCESS_TOKEN"], login: "gemini, and log in with Google" },
  },
}

async function fromLogin(ctx: Context, program: LoginName): Promise<Imported> {
  const { login, ...known } = LOGINS[program]
  const there = await findLogin(ctx, program)
  if (!there) throw notThere(program, login, fileOf(ctx, program))
  const found = readLogin(program, there.text)
  if (!found)
    throw vaultError(`there is no login of ${program} in it that nanoguard can read`, login, EXIT.findings, there.where)
  if ("key" in found) {
    const { reach, slot, shape, env } = await findPreset("openai")
    return {
      draft: { reach, slot, source: { from: "value" }, shape, env },
      value: requireValue(program, found.key, slot),
    }
  }
  const client = program === "gemini" ? findGeminiClient(ctx) : undefined
  if (program === "gemini" && !client)
    ctx.stderr.write("Gemini's own program is not on PATH: its login will end within the hour and cannot be renewed.\n")
  const value = JSON.stringify({ ...found.login, ...(client && { client }) })
  return { draft: { ...known, slot: { in: "bearer" }, source: { from: "login", login: program } }, value }
}

function notThere(program: string, login: string, file?: string) {
  return vaultError(`${program} is not logged in here`, `log in first: ${login}`, EXIT.findings, file)
}
