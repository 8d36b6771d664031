// Logins of agents' own programs: read as those keep them, sealed, and renewed once for all that wait.
import { existsSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { secretImport } from "../../src/commands/secret-import.ts"
import type { Context } from "../../src/context.ts"
import { EXIT, type NanoguardError } from "../../src/errors.ts"
import { stateHome } from "../../src/home.ts"
import { findGeminiClient, findLogin } from "../../src/vault/logins/find.ts"
import { readLogin } from "../../src/vault/logins/read.ts"
import { endOfJwt } from "../../src/vault/logins/tokens.ts"
import { openVault } from "../../src/vault/open.ts"
import { newDesk } from "../commands/approvals.ts"
import { emptyHome, NOW, temporaryDirectory, testContext, writeFiles } from "../context.ts"
import { standIns } from "./stand-ins.ts"
import { newVaultPlace } from "./support.ts"

const HOUR = 3_600_000
const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url")
const jwt = (claims: object) => `${encode({ alg: "RS256", typ: "JWT" })}.${encode(claims)}.c2lnbmF0dXJl`

/** Files as the programs write them; every token is made up. */
const CLAUDE = {
  claudeAiOauth: {
    ...{ accessToken: "sk-ant-oat01-first", refreshToken: "sk-ant-ort01-first", expiresAt: NOW + HOUR },
    ...{ scopes: ["user:inference", "user:profile"], subscriptionType: "max", rateLimitTier: "default" },
  },
  mcpOAuth: { "linear|1": { accessToken: "another" } },
}
const CODEX = {
  auth_mode: "chatgpt",
  OPENAI_API_KEY: null,
  tokens: {
    ...{ id_token: jwt({ email: "ana@acme.example" }), access_token: jwt({ exp: (NOW + HOUR) / 1000 }) },
    ...{ refresh_token: "rt_first-of-codex", account_id: "0a1b2c3d-0000-4000-8000-000000000000" },
  },
  last_refresh: "2026-11-20T10:00:00.000000Z",
}
const GEMINI = {
  ...{
    access_token: "ya29.first-of-gemini",
    refresh_token: "1//first-of-gemini",
    scope: "openid",
    token_type: "Bearer",
  },
  ...{ id_token: jwt({}), expiry_date: NOW + HOUR + 0.25 },
}

describe("a login's file", () => {
  test("is read as its program writes it", () => {
    expect(readLogin("claude", JSON.stringify(CLAUDE))).toEqual({
      login: { access: "sk-ant-oat01-first", refresh: "sk-ant-ort01-first", expires: NOW + HOUR },
    })
    const { access_token: access } = CODEX.tokens
    expect(readLogin("codex", JSON.stringify(CODEX))).toEqual({
      login: { access, refresh: "rt_first-of-codex", expires: NOW + HOUR },
    })
    expect(readLogin("codex", '{"OPENAI_API_KEY":"sk-proj-abc123","tokens":null}')).toEqual({ key: "sk-proj-abc123" })
    expect(readLogin("gemini", JSON.stringify(GEMINI))).toEqual({
      login: { access: "ya29.first-of-gemini", refresh: "1//first-of-gemini", expires: NOW + HOUR },
    })
  })

  test("of any other kind is no login", () => {
    const odd = ["", "null", "[]", "{", '{"claudeAiOauth":[]}', '{"claudeAiOauth":{"accessToken":1}}']
    const texts = [...odd, '{"tokens":{}}', '{"access_token":"a b c d e f"}', '{"access_token":"short"}']
    for (const program of ["claude", "codex", "gemini"] as const)
      for (const text of texts) expect(readLogin(program, text), text).toBeUndefined()
    const header = { claudeAiOauth: { accessToken: "sk-ant-oat01-a\r\nx-evil: 1", expiresAt: 1 } }
    expect(readLogin("claude", JSON.stringify(header))).toBeUndefined()
  })

  test("never makes the reader fail, whatever is in it", () => {
    const names = [
      "claudeAiOauth",
      "accessToken",
      "refreshToken",
      "expiresAt",
      "tokens",
      "access_token",
      "OPENAI_API_KEY",
    ]
    const key = fc.oneof(fc.constantFrom(...names, "refresh_token", "expiry_date", "__proto__"), fc.string())
    const leaf = fc.oneof(fc.string(), fc.double(), fc.boolean(), fc.constant(null), fc.constant(jwt({ exp: 1e300 })))
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof(
        { maxDepth: 4 },
        leaf,
        fc.array(tie("tree")),
        fc.dictionary(key, tie("tree"), { noNullPrototype: true }),
      ),
    }))
    const whole = [CLAUDE, CODEX, GEMINI].map((value) => JSON.stringify(value))
    const cut = fc
      .tuple(fc.constantFrom(...whole), fc.nat(400), fc.nat(20), fc.string())
      .map(([text, at, gone, put]) => text.slice(0, at) + put + text.slice(at + gone))
    fc.assert(
      fc.property(
        fc.constantFrom("claude", "codex", "gemini"),
        fc.oneof(
          cut,
          tree.map((value) => JSON.stringify(value)),
        ),
        (program, text) => {
          const found = readLogin(program, text)
          if (found && "login" in found) expect(found.login.access).toMatch(/^[\x21-\x7e]{8,}$/)
        },
      ),
      { numRuns: 3000 },
    )
    const ends = fc.property(fc.string(), (text) => {
      expect(endOfJwt(`a.${text}.b`)).toBe(0)
      expect(endOfJwt(`a.${Buffer.from(`{"exp":${text}}`).toString("base64url")}.b`)).toBeGreaterThanOrEqual(0)
    })
    fc.assert(ends)
  })

  test("is found in the directory that its program uses, within bounds, on a Mac in the keychain", async () => {
    const directory = temporaryDirectory({ ".credentials.json": "{}", "auth.json": "x".repeat(300_000) })
    const { env } = standIns({ security: "process.stdout.write(JSON.stringify(process.argv.slice(2)))" })
    const ctx = testContext(directory, {
      env: emptyHome({ ...env, CLAUDE_CONFIG_DIR: directory, CODEX_HOME: directory }),
    })
    expect(await findLogin(ctx, "claude", "linux")).toEqual({ text: "{}", where: join(directory, ".credentials.json") })
    expect(await findLogin(ctx, "codex", "linux")).toBeUndefined()
    expect(await findLogin(ctx, "gemini", "darwin")).toBeUndefined()
    const mac = testContext(directory, { env: emptyHome(env) })
    expect(await findLogin(mac, "claude", "linux")).toBeUndefined()
    expect((await findLogin(mac, "claude", "darwin"))?.text).toBe(
      '["find-generic-password","-s","Claude Code-credentials","-w"]',
    )
    const other = testContext(directory, {
      env: emptyHome({ ...env, CLAUDE_CONFIG_DIR: "/Users/you/.claude-myprofile" }),
    })
    // The first eight digits that `shasum -a 256` has for that path.
    expect((await findLogin(other, "claude", "darwin"))?.where).toMatch(
      /^keychain: Claude Code-credentials-[0-9a-f]{8}$/,
    )
  })

  test("of Gemini goes with the client that its own program has built in", () => {
    const id = "123456789012-abcdefghijklmnopqrstuvwxyz012345.apps.googleusercontent.com"
    const secret = `${"GOC"}SPX-abcdefghijklmnopqrstuvwx`
    const text = `const OAUTH_CLIENT_ID = '${id}';\nconst OAUTH_CLIENT_SECRET = '${secret}';\n`
    const home = temporaryDirectory()
    const core = "lib/node_modules/@google/gemini-cli-core/dist/src/code_assist/oauth2.js"
    writeFiles(home, { "lib/bin/gemini": "#!/usr/bin/env node\n", [core]: text })
    const at = (path: string) => findGeminiClient({ env: { PATH: path } })
    expect(at(join(home, "lib/bin"))).toEqual({ id, secret })
    const bundled = temporaryDirectory({ gemini: "import './chunk-1.js'", "chunk-1.js": text })
    expect(at(bundled)).toEqual({ id, secret })
    expect(at(temporaryDirectory({ gemini: "" }))).toBeUndefined()
    expect(at("")).toBeUndefined()
  })
})

/** A token endpoint that answers what it is told to. */
function endpoint(answer: (call: number) => Response | Promise<Response>) {
  const calls: { url: string; body: string; type: string; redirect: string | undefined }[] = []
  const fetch: Context["fetch"] = async (input, init) => {
    const type = new Headers(init?.headers).get("content-type") ?? ""
    calls.push({ url: String(input), body: String(init?.body), type, redirect: init?.redirect })
    return answer(calls.length)
  }
  return { calls, fetch }
}

const tokens = (n: number, more: object = {}) =>
  Response.json({ access_token: `access-token-${n}`, refresh_token: `refresh-token-${n}`, expires_in: 3600, ...more })

describe("a login in the vault", () => {
  const document = (expires: number) =>
    JSON.stringify({ access: "access-token-0", refresh: "refresh-token-0", expires })
  const claude = { source: { from: "login", login: "claude" } } as const

  test("is used until shortly before its end, then renewed once for all that wait", async (t) => {
    const { ctx, set, store } = await newVaultPlace(t)
    await set(claude, document(NOW + HOUR))
    let now = NOW
    const { calls, fetch } = endpoint((call) => tokens(call))
    const gate = { ...ctx, fetch, now: () => now }
    const [one, two] = [await openVault(gate, store), await openVault(gate, store)]
    t.onTestFinished(() => [one, two].forEach((vault) => void vault.close()))
    expect(await one.reveal("example")).toBe("access-token-0")
    now = NOW + HOUR - 60_000
    // Two gates of one state directory, ten requests each.
    const all = await Promise.all(Array.from({ length: 20 }, (_, i) => (i % 2 ? one : two).reveal("example")))
    expect(new Set(all)).toEqual(new Set(["access-token-1"]))
    expect(calls).toEqual([
      {
        ...{ url: "https://platform.claude.com/v1/oauth/token", type: "application/json", redirect: "error" },
        body: expect.stringContaining('"refresh_token":"refresh-token-0"'),
      },
    ])
    now += HOUR
    expect(await two.reveal("example")).toBe("access-token-2")
    expect(calls[1]?.body).toContain("refresh-token-1")
    // A gate that starts anew has the newest, and the state directory none in the clear.
    const later = await openVault(gate, store)
    t.onTestFinished(() => later.close())
    expect(await later.reveal("example")).toBe("access-token-2")
    const directory = join(stateHome(ctx), "logins")
    const kept = readdirSync(directory).map((name) => readFileSync(join(directory, name), "utf8"))
    expect([kept.length, kept.join("").includes("token-2")]).toEqual([1, false])
    expect(kept.join("")).not.toContain(Buffer.from("refresh-token-2").toString("base64").slice(0, 16))
    // Imported again: what was renewed before counts no more.
    await set(claude, document(now + 2 * HOUR))
    await later.reload()
    expect(await later.reveal("example")).toBe("access-token-0")
  })

  test("that cannot be renewed is used to its end, then refused, without a storm of questions", async (t) => {
    const { ctx, set, store } = await newVaultPlace(t)
    await set(claude, document(NOW + HOUR))
    let now = NOW + HOUR - 60_000
    const { calls, fetch } = endpoint((call) => {
      if (call === 1) return Response.json({ error: "invalid_grant", was: "refresh-token-0" }, { status: 400 })
      if (call === 2) throw new Error("refresh-token-0 could not be sent")
      if (call === 3) return new Response("x".repeat(300_000))
      if (call === 4) return Response.json({ access_token: "bad\r\nheader: x", expires_in: 60 })
      return tokens(call)
    })
    const vault = await openVault({ ...ctx, fetch, now: () => now }, store)
    t.onTestFinished(() => vault.close())
    for (let i = 0; i < 5; i++) expect(await vault.reveal("example")).toBe("access-token-0")
    expect(calls.length).toBe(1)
    for (let call = 2; call <= 4; call++) {
      now += call === 2 ? 61_000 : 31_000
      const error = await vault.reveal("example").catch((thrown: unknown) => thrown as NanoguardError)
      expect(error).toMatchObject({ message: "the login of example has ended and could not be renewed" })
      expect(JSON.stringify([error, (error as Error).stack, (error as Error).cause])).not.toContain("refresh-token")
      expect(calls.length).toBe(call)
    }
    now += 31_000
    expect(await vault.reveal("example")).toBe("access-token-5")
  })

  test("whose renewal was interrupted by a dead process is renewed by the next", async (t) => {
    const { ctx, set, store } = await newVaultPlace(t)
    await set({ ...claude, name: "a" }, document(NOW + 1))
    const { calls, fetch } = endpoint((call) => tokens(call))
    const vault = await openVault({ ...ctx, fetch }, store)
    t.onTestFinished(() => vault.close())
    await vault.reveal("a")
    const directory = join(stateHome(ctx), "logins")
    const [kept] = readdirSync(directory)
    const lock = join(directory, `${kept}.lock`)
    writeFileSync(lock, "")
    utimesSync(lock, 1, 1)
    writeFileSync(join(directory, kept!), "damaged")
    const again = await openVault({ ...ctx, fetch }, store)
    t.onTestFinished(() => again.close())
    expect(await again.reveal("a")).toBe("access-token-2")
    expect([calls.length, existsSync(lock)]).toEqual([2, false])
  })

  test("asks Codex and Gemini as their own programs do", async (t) => {
    const { ctx, set, store } = await newVaultPlace(t)
    await set({ name: "codex", source: { from: "login", login: "codex" } }, document(1))
    const gemini = {
      access: "access-token-0",
      refresh: "refresh-token-0",
      expires: 1,
      client: { id: "client-id", secret: "client-secret" },
    }
    await set({ name: "gemini", source: { from: "login", login: "gemini" } }, JSON.stringify(gemini))
    await set({ name: "orphan", source: { from: "login", login: "gemini" } }, document(1))
    const end = Math.floor(NOW / 1000) + 864_000
    const { calls, fetch } = endpoint((call) =>
      call === 1
        ? Response.json({ access_token: jwt({ exp: end }), id_token: "x" })
        : tokens(call, { refresh_token: undefined }),
    )
    const vault = await openVault({ ...ctx, fetch }, store)
    t.onTestFinished(() => vault.close())
    expect(await vault.reveal("codex")).toBe(jwt({ exp: end }))
    expect(JSON.parse(calls[0]!.body)).toEqual({
      ...{ grant_type: "refresh_token", refresh_token: "refresh-token-0", client_id: "app_EMoamEEZ73f0CkXaXp7hrann" },
      scope: "openid profile email",
    })
    expect(await vault.reveal("gemini")).toBe("access-token-2")
    expect(Object.fromEntries(new URLSearchParams(calls[1]!.body))).toEqual({
      ...{ grant_type: "refresh_token", refresh_token: "refresh-token-0" },
      ...{ client_id: "client-id", client_secret: "client-secret" },
    })
    expect(calls[1]).toMatchObject({
      url: "https://oauth2.googleapis.com/token",
      type: "application/x-www-form-urlencoded",
    })
    await expect(vault.reveal("orphan")).rejects.toThrow("could not be renewed")
    expect(calls.length).toBe(2)
  })
})

describe("secret import", () => {
  const SIGNED = { as: "ana", passphraseFile: "pass.txt" }

  async function newImportDesk(files: Record<string, string> = {}, programs: Record<string, string> = {}) {
    const desk = newDesk()
    await desk.enrol("ana")
    Object.assign(desk.env, { PATH: standIns(programs).path })
    for (const [name, text] of Object.entries(files)) {
      const file = join(desk.env["HOME"]!, name)
      mkdirSync(dirname(file), { recursive: true })
      writeFileSync(file, text)
    }
    return { ...desk, at: () => testContext(desk.cwd, { env: desk.env }) }
  }

  test("seals a login that is there, for its own service alone", async (t) => {
    const desk = await newImportDesk({
      ".claude/.credentials.json": JSON.stringify(CLAUDE),
      ".codex/auth.json": JSON.stringify(CODEX),
      ".gemini/oauth_creds.json": JSON.stringify(GEMINI),
    })
    const shown: unknown[] = []
    for (const program of ["claude", "codex", "gemini"] as const) {
      const ctx = desk.at()
      const { report } = await secretImport(ctx, program, { ...SIGNED, agent: ["claude-1"] })
      const { name, hosts, source, slot, agents } = report.credential!
      shown.push([name, hosts, slot, source, agents])
      expect(ctx.out()).not.toMatch(/first|eyJ/)
      expect(ctx.err().includes("cannot be renewed")).toBe(program === "gemini")
    }
    expect(shown).toEqual([
      ["claude", ["api.anthropic.com"], "bearer", "login:claude", ["claude-1"]],
      ["codex", ["chatgpt.com"], "bearer", "login:codex", ["claude-1"]],
      ["gemini", ["cloudcode-pa.googleapis.com"], "bearer", "login:gemini", ["claude-1"]],
    ])
    const vault = await openVault(desk.at(), await desk.open())
    t.onTestFinished(() => vault.close())
    expect(await vault.reveal("claude")).toBe("sk-ant-oat01-first")
    expect(await vault.reveal("codex")).toBe(CODEX.tokens.access_token)
    expect(vault.placeholder("claude", "r1")).toMatch(/^sk-ant-oat01-/)
  })

  test("takes the token of GitHub's own program", async (t) => {
    const token = "gho_16C7e42F292c6912E7710c838347Ae178B4a"
    const gh = `if (process.argv[5] === "github.com") console.log("${token}"); else process.exit(1)`
    const desk = await newImportDesk({}, { gh })
    const { report } = await secretImport(desk.at(), "gh", { ...SIGNED, name: "github" })
    expect(report.credential).toMatchObject({
      name: "github",
      hosts: ["api.github.com", "uploads.github.com"],
      shape: "github-oauth",
    })
    const vault = await openVault(desk.at(), await desk.open())
    t.onTestFinished(() => vault.close())
    expect(await vault.reveal("github")).toBe(token)
    const other = await secretImport(desk.at(), "gh", { ...SIGNED, hostname: "github.example.com" }).catch(
      (error: unknown) => error,
    )
    expect(other).toMatchObject({ exit: EXIT.findings, message: "gh is not logged in here" })
  })

  test("says who is not logged in, and what is no login", async () => {
    const desk = await newImportDesk({ ".codex/auth.json": "{}" })
    const none = await secretImport(desk.at(), "claude", SIGNED).catch((error: unknown) => error)
    expect(none).toMatchObject({
      exit: EXIT.findings,
      message: "claude is not logged in here",
      hint: "log in first: claude /login",
    })
    const empty = await secretImport(desk.at(), "codex", SIGNED).catch((error: unknown) => error)
    expect(empty).toMatchObject({ exit: EXIT.findings, message: expect.stringContaining("no login of codex") })
  })
})
