// An agent that asks for one name after the other: what the gate keeps of packages weighs no more than its bounds.
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { expect, it } from "vitest"
import { openTestGate, startNpmUpstream } from "../../gateway/gate.ts"
import { SAMPLE } from "./random.ts"

const NAMES = SAMPLE ? 300 : 1_500
const POLICY = `version: 1
packages:
  deny: { licenses: [GPL-3.0-only] }
  unknown: allow
`
const MB = 1024 * 1024

/** What is in use once everything else was let go of. */
function heapInUse(): number {
  setFlagsFromString("--expose-gc")
  runInNewContext("gc")()
  return process.memoryUsage().heapUsed
}

it(`keeps its size over ${NAMES} packages with 500 refused versions each`, async () => {
  const upstream = await startNpmUpstream()
  const gate = await openTestGate({ policy: POLICY, env: { npm_config_registry: upstream.base } })
  const releases = Object.fromEntries(
    Array.from({ length: 501 }, (_, i) => [`1.0.${i}`, { license: i === 0 ? "MIT" : "GPL-3.0-only" }]),
  )
  upstream.publish("template", releases)
  const template = await (await fetch(`${upstream.base}/template`)).text()
  const ask = async (i: number) => {
    upstream.answer(`/n${i}`, (_, response) => response.end(template.replaceAll("template", `n${i}`)))
    const response = await gate.get(`/npm/n${i}`)
    expect(response.status).toBe(200)
    await response.arrayBuffer()
  }
  const third = Math.floor(NAMES / 3)
  for (let i = 0; i < third; i++) await ask(i)
  const early = heapInUse()
  for (let i = third; i < NAMES; i++) await ask(i)
  expect(heapInUse() - early).toBeLessThan(150 * MB)
  expect(gate.troubles).toEqual([])
})
