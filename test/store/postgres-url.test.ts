// What an address means, and what is said when there is no way in.
import { execFileSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { createServer } from "node:net"
import { join } from "node:path"
import fc from "fast-check"
import { describe, expect, onTestFinished, type TestContext, test } from "vitest"
import { EXIT, NanoguardError } from "../../src/errors.ts"
import { openClient } from "../../src/store/postgres/client.ts"
import { openPostgresEngine } from "../../src/store/postgres/commit.ts"
import { isLost, toStoreError } from "../../src/store/postgres/errors.ts"
import { migratePostgres } from "../../src/store/postgres/migrate.ts"
import { openPostgresReader } from "../../src/store/postgres/reader.ts"
import { parseServer } from "../../src/store/postgres/url.ts"
import { temporaryDirectory } from "../context.ts"
import { newDatabase, startCluster } from "../postgres.ts"
import type { Tls } from "../postgres-server.ts"

const engineOptions = { gateway: "gw", commitKey: new Uint8Array(32), now: () => Date.UTC(2026, 10, 21) }

/** A certificate for the name localhost alone, signed by itself. */
function makeCertificate(t: TestContext): Tls {
  const directory = temporaryDirectory()
  const [key, certificate] = ["key.pem", "cert.pem"].map((name) => join(directory, name)) as [string, string]
  const names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-days", "2"]
  try {
    const kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    execFileSync("openssl", ["req", "-x509", ...kind, "-keyout", key, "-out", certificate, ...names], {
      stdio: "ignore",
    })
  } catch {
    t.skip("openssl is missing: install it with your system's package manager")
  }
  return { certificate: readFileSync(certificate, "utf8"), key: readFileSync(key, "utf8") }
}

async function failure(work: Promise<unknown>): Promise<NanoguardError> {
  const error = await work.then(
    () => undefined,
    (error: unknown) => error,
  )
  expect(error).toBeInstanceOf(NanoguardError)
  return error as NanoguardError
}

describe("an address", () => {
  test.each([
    ["postgres://ana@db.acme.example/record", { host: "db.acme.example", port: 5432, user: "ana", database: "record" }],
    [
      "postgresql://ana:p%40ss%2F@10.0.0.5:6000/r%20d",
      { host: "10.0.0.5", port: 6000, password: "p@ss/", database: "r d" },
    ],
    ["postgres://ana@[::1]:6000/record", { host: "::1", shown: "postgres://ana@[::1]:6000/record" }],
    ["postgres://ana@/record?host=/run/postgresql", { host: "/run/postgresql", ssl: false }],
    ["postgres://ana@%2Frun%2Fpostgresql/record", { host: "/run/postgresql", ssl: false }],
    ["postgres://ana@localhost", { database: "ana", ssl: false, connectTimeout: 10 }],
    ["postgres://ana@localhost/?connect_timeout=3", { database: "ana", connectTimeout: 3 }],
  ])("%s", (text, expected) => {
    expect(parseServer(text)).toMatchObject(expected)
  })

  test("asks for a verified certificate beyond this machine, unless it says disable itself", () => {
    expect(parseServer("postgres://u@db.acme.example/r").ssl).toEqual({})
    expect(parseServer("postgres://u@10.0.0.5/r").ssl).toEqual({})
    expect(parseServer("postgres://u@db.acme.example/r?sslmode=disable").ssl).toBe(false)
    for (const mode of ["require", "verify-ca", "verify-full"]) {
      expect(parseServer(`postgres://u@localhost/r?sslmode=${mode}`).ssl).toEqual({})
    }
    for (const host of ["localhost", "127.0.0.1", "127.8.8.8", "[::1]"])
      expect(parseServer(`postgres://u@${host}/r`).ssl).toBe(false)
    for (const host of ["localhost.acme.example", "127.0.0.1.acme.example", "1127.0.0.1.example"]) {
      expect(parseServer(`postgres://u@${host}/r`).ssl).not.toBe(false)
    }
  })

  test.each([
    ["postgres://u:secret99@db/r?sslmode=prefer", "sslmode=prefer"],
    ["postgres://u:secret99@db/r?sslmode=no-verify", "sslmode=no-verify"],
    ["postgres://u:secret99@db/r?ssl=false", '"ssl"'],
    ["postgres://u:secret99@db/r?options=-csearch_path%3Devil", '"options"'],
    ["postgres://u:secret99@localhost/r?host=evil.example", "host="],
    ["postgres://u:secret99@db/r?sslmode=disable&sslmode=require", "twice"],
    ["postgres://u:secret99@db/r?connect_timeout=0", "connect_timeout"],
    ["postgres://u:secret99@db/r#x", "fragment"],
    ["postgres://u:secret99%zz@db/r", "%"],
    ["postgres://u:secret99/@db/r", "postgres://"],
    ["postgres://u:secret99@db:70000/r", "URL"],
    ["postgres://", "host"],
    ["postgres://u:secret99@db/r?sslrootcert=/nowhere/ca.pem", "ENOENT"],
    ["mysql://u:secret99@db/r", "postgres://"],
  ])("%s is refused", (text, why) => {
    try {
      expect(parseServer(text)).toBeUndefined()
    } catch (error) {
      expect(error).toMatchObject({ exit: EXIT.configuration })
      const { message, hint } = error as NanoguardError
      expect(`${message} ${hint}`).toContain(why)
      expect(`${message} ${hint}`).not.toContain("secret99")
    }
  })

  test("never crashes, and never repeats a password", () => {
    const password = fc.string({ minLength: 6 }).map((text) => `Zq9${encodeURIComponent(text.toWellFormed())}`)
    fc.assert(
      fc.property(password, fc.string(), fc.string(), (secret, host, rest) => {
        try {
          const { shown } = parseServer(`postgres://u:${secret}@${encodeURIComponent(host.toWellFormed())}/${rest}`)
          expect(shown).not.toContain("Zq9")
        } catch (error) {
          expect(error).toMatchObject({ exit: EXIT.configuration })
          expect((error as Error).message).not.toContain("Zq9")
        }
      }),
    )
  })
})

describe("no way in", () => {
  test("says what is wrong with server, user, database and schema", async (t) => {
    const database = await newDatabase(t)
    const url = new URL(database.url)
    const with_ = (change: (url: URL) => void) => {
      const other = new URL(url)
      change(other)
      return other.href
    }
    const password = decodeURIComponent(url.password)
    const cases: [string, RegExp, RegExp][] = [
      [with_((u) => (u.password = "wrong-one")), /refuses the user or the password/, /PGPASSWORD/],
      [with_((u) => (u.username = "nobody")), /refuses the user or the password/, /address/],
      [with_((u) => (u.pathname = "/nothing")), /no such database/, /create it/],
      [with_((u) => (u.port = "1")), /nothing listens/, /start it/],
      [with_((u) => u.searchParams.set("sslmode", "require")), /does not speak TLS/, /sslmode=disable/],
      [`postgres://u@${encodeURIComponent(temporaryDirectory())}/r`, /no such socket/, /start it/],
      [database.url, /holds no record yet/, /nanoguard store migrate/],
    ]
    for (const [address, message, hint] of cases) {
      for (const open of [openPostgresReader, (url: string) => openPostgresEngine(url, engineOptions)]) {
        const error = await failure(open(address))
        expect(error.exit).toBe(EXIT.environment)
        expect(error.message).toMatch(message)
        expect(error.hint).toMatch(hint)
        expect(`${error.message} ${error.hint}`).not.toContain(password)
        expect(`${error.message} ${error.hint}`).not.toContain("wrong-one")
      }
    }
    await migratePostgres(parseServer(database.url))
    expect((await failure(openPostgresReader(await database.login("stranger")))).message).toMatch(/permission denied/)
    await database.admin("insert into nanoguard.kysely_migration values ('9999-future', 'x')")
    expect((await failure(openPostgresEngine(database.url, engineOptions))).message).toMatch(/newer version/)
    expect((await failure(migratePostgres(parseServer(database.url)))).message).toMatch(/newer version/)
    await database.admin("delete from nanoguard.kysely_migration where name > '0002'")
    await database.admin("delete from nanoguard.kysely_migration where name > '0001-z'")
    expect((await failure(openPostgresEngine(database.url, engineOptions))).message).toMatch(/older version/)
  })

  test("opens over a Unix socket as well", async (t) => {
    const database = await newDatabase(t)
    await migratePostgres(parseServer(database.socketUrl))
    const engine = await openPostgresEngine(database.socketUrl, engineOptions)
    t.onTestFinished(() => engine.close())
    const event = { type: "package.decided", subject: "a", gateway: "gw" }
    expect(await engine.commitGroup([{ changes: [], events: [event] }])).toEqual([{ seqs: [1] }])
  })

  test("talks to no server whose certificate it cannot verify for the name in the address", async (t) => {
    const [ours, other] = [makeCertificate(t), makeCertificate(t)]
    const cluster = await startCluster(t, ours)
    t.onTestFinished(() => cluster.stop())
    const { url } = await cluster.database()
    const files = temporaryDirectory({ "ours.pem": ours.certificate, "other.pem": other.certificate })
    const open = (host: string, query: string) =>
      openClient(
        parseServer(`${url.replace("127.0.0.1", host)}?${query.replaceAll("ca=", `sslrootcert=${files}/`)}`),
        "test",
      )
    const client = await open("localhost", "sslmode=verify-full&ca=ours.pem")
    const { rows } = await client.query("select ssl from pg_stat_ssl where pid = pg_backend_pid()")
    await client.end()
    expect(rows).toEqual([{ ssl: true }])
    const untrusted = /no known authority/
    expect((await failure(open("localhost", "sslmode=verify-full&ca=other.pem"))).message).toMatch(untrusted)
    expect((await failure(open("localhost", "sslmode=require"))).message).toMatch(untrusted)
    expect((await failure(open("127.0.0.1", "sslmode=require&ca=ours.pem"))).message).toMatch(/for another name/)
    expect((await failure(open("127.0.0.1", "sslmode=verify-ca&ca=ours.pem"))).message).toMatch(/for another name/)
    expect((await failure(open("localhost", "sslmode=disable"))).message).toMatch(/refuses this user/)
  })

  test("gives up on a server that accepts and says nothing", async () => {
    const server = createServer(() => {}).listen(0, "127.0.0.1")
    onTestFinished(() => void server.close())
    await new Promise((resolve) => server.once("listening", resolve))
    const { port } = server.address() as { port: number }
    const silent = parseServer(`postgres://u:p@127.0.0.1:${port}/r?connect_timeout=1`)
    expect((await failure(openClient(silent, "test"))).message).toMatch(/does not answer/)
  })

  test("takes everything but a server's answer for a lost connection", () => {
    const node = (code: string) => Object.assign(new Error("x"), { code, errno: -32, syscall: "write" })
    const answer = (code: string, severity: string) => Object.assign(new Error("x"), { code, severity })
    for (const code of ["EPIPE", "EPERM", "ECONNRESET", ""]) expect(isLost(node(code))).toBe(true)
    expect(isLost(new Error("Connection terminated unexpectedly"))).toBe(true)
    for (const code of ["57P01", "57P02", "57P03", "08006"]) expect(isLost(answer(code, "ERROR"))).toBe(true)
    expect(isLost(answer("53300", "FATAL"))).toBe(true)
    for (const code of ["23505", "53100", "40P01", "55P03", "57014"]) expect(isLost(answer(code, "ERROR"))).toBe(false)
  })

  test("maps what a server can lack, without its quotations of rows", () => {
    const place = { shown: "postgres://u@h:1/d" }
    const answer = (code: string) =>
      Object.assign(new Error("the server's words"), { code, detail: "Failing row: secret" })
    const said = ["53100", "53300", "57P01", "57P03", "25006", "55P03", "57014", "XX999"].map((code) => {
      const { message, hint } = toStoreError(answer(code), place)
      expect(`${message}${hint}`).not.toContain("secret")
      return message.replace("PostgreSQL at postgres://u@h:1/d ", "").replace(": the server's words", "")
    })
    expect(said).toEqual([
      "has no space left on its disk",
      "takes no more connections",
      "is shutting down",
      "is starting up or shutting down",
      "is read-only",
      "did not get the log's lock in time",
      "took too long and the statement was cancelled",
      "failed",
    ])
  })
})
