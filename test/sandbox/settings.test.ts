// What is set in a box, held against the programs that read it.
import { execFileSync } from "node:child_process"
import { expect, test } from "vitest"
import { boxSettings } from "../../src/sandbox/settings.ts"

const PLACEHOLDER = { credential: "github", value: "ghp_placeholder", names: ["GITHUB_TOKEN", "GH_TOKEN"] }
const settings = boxSettings({
  ...{
    run: "run-0123456789ab",
    certificate: "CERT\n",
    placeholders: [PLACEHOLDER],
    gitHosts: [{ host: "git.example.com" }],
  },
})
const git = (args: string[], input = "") =>
  execFileSync("git", args, {
    env: { PATH: process.env["PATH"], ...settings.env, HOME: "/nonexistent" },
    input,
  }).toString()

test("git asks by https whatever way a host was written", () => {
  for (const host of ["github.com", "git.example.com"])
    for (const from of [`git@${host}:a/b.git`, `ssh://git@${host}/a/b.git`, `git://${host}/a/b.git`])
      expect(git(["ls-remote", "--get-url", from])).toBe(`https://${host}/a/b.git\n`)
  expect(git(["ls-remote", "--get-url", "git@other.example.com:a/b.git"])).toBe("git@other.example.com:a/b.git\n")
})

test("git names a host's placeholder, and nobody elsewhere", () => {
  const fill = (host: string) => git(["credential", "fill"], `protocol=https\nhost=${host}\n\n`)
  expect(fill("github.com")).toMatch(/username=x-access-token\npassword=ghp_placeholder\n/)
  expect(() => fill("git.example.com")).toThrow(/terminal prompts disabled|could not read/)
})

test("a host of one's own: at its port, and with the placeholder of the credential that its rules name", () => {
  const own = boxSettings({
    ...{ run: "run-0123456789ab", certificate: "CERT\n" },
    placeholders: [PLACEHOLDER, { credential: "forge", value: "forge_placeholder", names: ["FORGE_KEY"] }],
    gitHosts: [{ host: "git.example.com", port: 8443, credential: "forge" }],
  }).env
  const run = (args: string[], input = "") =>
    execFileSync("git", args, { env: { PATH: process.env["PATH"], ...own, HOME: "/nonexistent" }, input }).toString()
  expect(run(["ls-remote", "--get-url", "git@git.example.com:a/b.git"])).toBe("https://git.example.com:8443/a/b.git\n")
  expect(run(["credential", "fill"], "protocol=https\nhost=git.example.com:8443\n\n")).toContain(
    "password=forge_placeholder\n",
  )
  expect(run(["credential", "fill"], "protocol=https\nhost=github.com\n\n")).toContain("password=ghp_placeholder\n")
})

test("no token, no path of the host, nothing that makes the relay slow", () => {
  const { env, files } = settings
  expect(JSON.stringify(env)).not.toMatch(/ngt_|nanoguard:|Proxy-Auth/)
  expect(env["NODE_USE_ENV_PROXY"]).toBeUndefined()
  expect(env["CI"]).toBeUndefined()
  expect(env).toMatchObject({
    https_proxy: "http://127.0.0.1:8471",
    CARGO_HOME: "/home/agent/.cargo",
    GITHUB_TOKEN: "ghp_placeholder",
  })
  expect(files.map(({ path }) => path).sort()).toEqual([
    ...["ca.pem", "home/.cargo/config.toml", "home/.m2/settings.xml", "roots.pem", "trust.p12", "wgetrc"],
  ])
})
