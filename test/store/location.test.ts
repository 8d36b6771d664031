import { describe, expect, it } from "vitest"
import { EXIT, NanoguardError } from "../../src/errors.ts"
import { stateHome, storeLocation } from "../../src/store/location.ts"

const HOME = "/home/ana"

describe("the state directory", () => {
  it("is below NANOGUARD_HOME, else in XDG_STATE_HOME, else in ~/.local/state", () => {
    expect(stateHome({ env: { NANOGUARD_HOME: "/srv/ng", XDG_STATE_HOME: "/x", HOME } })).toBe("/srv/ng/state")
    expect(stateHome({ env: { XDG_STATE_HOME: "/x", HOME } })).toBe("/x/nanoguard")
    expect(stateHome({ env: { HOME } })).toBe("/home/ana/.local/state/nanoguard")
  })

  it("ignores a relative XDG_STATE_HOME and refuses a relative NANOGUARD_HOME", () => {
    expect(stateHome({ env: { XDG_STATE_HOME: "x", HOME } })).toBe("/home/ana/.local/state/nanoguard")
    expect(() => stateHome({ env: { NANOGUARD_HOME: "x", HOME } })).toThrow("not an absolute path")
  })
})

describe("NANOGUARD_STORE", () => {
  it("means files where it is unset or empty", () => {
    const files = { kind: "sqlite", directory: "/home/ana/.local/state/nanoguard" }
    expect(storeLocation({ env: { HOME } })).toEqual(files)
    expect(storeLocation({ env: { HOME, NANOGUARD_STORE: "" } })).toEqual(files)
  })

  it.each(["postgres://u:p@db.acme.example/ng", "postgresql://u@/ng?host=/run/postgresql"])("takes %s", (url) => {
    expect(storeLocation({ env: { HOME, NANOGUARD_STORE: url } })).toEqual({ kind: "postgres", url })
  })

  it.each(["mysql://u:hunter2@db/ng", "/var/hunter2", "postgres:hunter2", " postgres://u:hunter2@db/ng", "sqlite"])(
    "refuses %s without repeating it",
    (value) => {
      const error = errorOf(() => storeLocation({ env: { HOME, NANOGUARD_STORE: value } }))
      expect(error).toBeInstanceOf(NanoguardError)
      const refusal = error as NanoguardError
      expect(refusal.exit).toBe(EXIT.configuration)
      expect(refusal.hint).toContain("postgres://")
      expect(`${refusal.message} ${refusal.hint} ${refusal.stack} ${JSON.stringify(refusal)}`).not.toContain("hunter2")
    },
  )
})

function errorOf(work: () => unknown): unknown {
  try {
    return work()
  } catch (error) {
    return error
  }
}
