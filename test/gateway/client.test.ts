import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { clientOf } from "../../src/gateway/client.ts"

describe("the client of a request", () => {
  it.each([
    // As each of them sent it.
    ["npm/10.9.4 node/v24.21.0 linux x64 workspaces/false", "npm"],
    ["npm/12.2.0 node/v24.21.0 linux x64 workspaces/false", "npm"],
    ["pnpm/10.34.9 npm/? node/v24.21.0 linux x64", "pnpm-classic"],
    ["pnpm/12.21.0 npm/? node/? linux x64", "pnpm"],
    ["yarn/1.22.22 npm/? node/v24.21.0 linux x64", "yarn-classic"],
    ["got (https://github.com/sindresorhus/got)", "yarn"],
    ["Bun/1.4.5", "bun"],
    ['pip/26.2.1 {"ci":true,"cpu":"x86_64","installer":{"name":"pip","version":"26.2.1"}}', "pip"],
    ['uv/0.13.8 {"installer":{"name":"uv","version":"0.13.8","subcommand":["sync"]}}', "uv"],
    ["poetry/2.5.1 CPython/3.11.7 Linux/6.18.44", "poetry"],
    ["pdm/2.22.4 CPython/3.11.7 Linux/6.18.44", "pdm"],
    ["cargo/1.95.0 (f2d3ce0bd 2026-03-21)", "cargo"],
    ["Go-http-client/1.1", "go"],
    ["curl/8.5.0", "other"],
    ["Mozilla/5.0 npm/10.9.4", "other"],
    ["", "other"],
  ])("%s is %s", (agent, client) => {
    expect(clientOf({ "user-agent": agent })).toBe(client)
  })

  it("is told by its own headers where it calls itself something else", () => {
    expect(clientOf({ "user-agent": "ci-bot", "npm-command": "ci" })).toBe("npm")
    expect(clientOf({ "cargo-protocol": "version=1" })).toBe("cargo")
    // The User-Agent counts first.
    expect(clientOf({ "user-agent": "pnpm/10.0.0", "npm-command": "ci" })).toBe("pnpm-classic")
  })

  it("never throws", () => {
    const value = fc.oneof(fc.string(), fc.array(fc.string()), fc.constant(undefined))
    fc.assert(
      fc.property(fc.dictionary(fc.oneof(fc.string(), fc.constant("user-agent")), value), (any) => void clientOf(any)),
    )
  })
})
