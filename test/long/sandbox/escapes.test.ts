// Every way out of a box that is known, tried from inside in every engine that this machine has. Each is a test by its name: docs/selftest.md.
import { execFileSync } from "node:child_process"
import { mkdirSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { describe, expect, test } from "vitest"
import type { Outcome, SelftestReport } from "../../../src/sandbox/selftest/types.ts"
import { temporaryDirectory } from "../../context.ts"
import { type TestedEngine, useEngine } from "../../sandbox/engines.ts"
import { TEST_IMAGE } from "../../sandbox/image.ts"
import { type Installer, install } from "../../sandbox/installation.ts"
import { podmanUser, testUser } from "../../sandbox/user.ts"

const POLICY = `version: 1
network:
  - { id: model, allow: api.example.com }
sandbox: { disk: 64m }
`

const MAIN = fileURLToPath(new URL("../../../templates/box/probes/main.mjs", import.meta.url))
const PROBES = execFileSync(process.execPath, [MAIN, "--list"], { encoding: "utf8" })
  .split("\n")
  .flatMap((line) => (line.startsWith('{"probe":"end"') || line === "" ? [] : [JSON.parse(line) as Outcome]))

interface Case {
  name: string
  engine: TestedEngine
  args: readonly string[]
  installer: () => Promise<Installer>
}

/** Root's nanoguard, with a project of somebody else's: the box is theirs. */
const asRoot = async (): Promise<Installer> => {
  const HOME = temporaryDirectory()
  mkdirSync(`${HOME}/.ssh`)
  return { node: process.execPath, env: { HOME, PATH: process.env["PATH"] ?? "" }, owner: { uid: 1234, gid: 1234 } }
}

const asUser = (find: typeof testUser) => async (): Promise<Installer> => {
  const user = await find()
  return { node: user.node, as: user, env: user.env, owner: user }
}

const image = ["--image", TEST_IMAGE]
const CASES: readonly Case[] = [
  { name: "docker with runc", engine: "docker", args: ["--engine", "docker", ...image], installer: asRoot },
  {
    ...{ name: "docker with runsc", engine: "docker+runsc", installer: asRoot },
    args: ["--engine", "docker", "--runtime", "runsc", ...image],
  },
  {
    ...{ name: "podman without root", engine: "podman", installer: asUser(podmanUser) },
    args: ["--engine", "podman", ...image],
  },
  { name: "bubblewrap", engine: "bubblewrap", args: ["--engine", "bubblewrap"], installer: asUser(testUser) },
  { name: "bubblewrap by root", engine: "bubblewrap", args: ["--engine", "bubblewrap"], installer: asRoot },
]

describe.each(CASES)("out of a box of $name", ({ engine, args, installer }) => {
  let report: SelftestReport | undefined

  test("every probe runs", async (ctx) => {
    await useEngine(ctx, engine)
    const { nanoguard } = await install(await installer(), POLICY)
    const { exit, out, err } = await nanoguard("selftest", ...args, "--format", "json")
    expect(out, err).toContain('"nanoguard.selftest/1"')
    report = JSON.parse(out) as SelftestReport
    expect(report.outcomes.map(({ probe }) => probe).sort()).toEqual(PROBES.map(({ probe }) => probe).sort())
    const broke = report.outcomes.filter(({ state }) => state === "broke")
    expect(broke, err).toEqual([])
    const typing = report.outcomes.find(({ probe }) => probe === "terminal-input")
    expect(typing?.saw).toContain("on a terminal")
    expect(exit).toBe(0)
  })

  test.for(PROBES)("$item $probe: $title", ({ probe }, ctx) => {
    if (report === undefined) ctx.skip("the box did not run")
    const outcome = report?.outcomes.find((one) => one.probe === probe)
    expect(outcome).toMatchObject({ state: "held" })
  })
})
