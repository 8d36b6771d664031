// Package managers that are told to go round the gate's settings: a registry's own address gets the package gate's answer all the same, and
// what is published there is a write like any other.
import { join } from "node:path"
import { afterAll, beforeAll, expect, it } from "vitest"
import { tool } from "../../tools.ts"
import { npmManifest, npmTarball, sha1, sha256, sri, wheel } from "../clients/packages.ts"
import { findPythonTool } from "../python-tools.ts"
import { type Lab, openLab } from "./lab.ts"

const NPM = "npm.registry.example"
const PYPI = "pypi.registry.example"
const KEY = "npm_0123456789abcdefABCDEF0123456789abcd"
const TIME = "2020-01-01T00:00:00.000Z"

let lab: Lab
const published: { url: string; authorization: string | undefined }[] = []
beforeAll(async () => {
  lab = await openLab({
    policy: (port) => `packages:
  deny: { malware: true }
  rules:
    - { id: no-leftish, deny: pkg:npm/leftish }
    - { id: no-sourish, deny: pkg:pypi/sourish }
network:
  - { id: publish, ask: ${NPM}, service: npm, ports: [${port}], operations: ["npm:publish"], addresses: [127.0.0.1], credential: npm }
approvers: { default: { people: [ana] } }
`,
    credentials: [{ name: "npm", value: KEY, shape: "npm", reach: { hosts: [NPM] }, env: ["NPM_TOKEN"] }],
    // The person's own: these hosts are what registries are here.
    env: (port) => ({
      npm_config_registry: `https://${NPM}:${port}/`,
      PIP_INDEX_URL: `https://${PYPI}:${port}/simple/`,
      PIP_CONFIG_FILE: "/dev/null",
    }),
  })
  lab.origin.host(NPM, ({ method, url = "", headers }, response) => {
    if (method === "PUT") {
      published.push({ url, authorization: headers.authorization })
      response.end("{}")
      return
    }
    const [, name = "", file] = url.split("/").filter((part) => part !== "-")
    if (!["leftish", "plain"].includes(name)) return void response.writeHead(404).end("{}")
    const release = { version: "1.0.0" }
    const tarball = npmTarball(name, release)
    if (file !== undefined) return void response.end(tarball)
    const dist = {
      ...{ tarball: `${lab.at(NPM)}/${name}/-/${name}-1.0.0.tgz`, integrity: sri(tarball), shasum: sha1(tarball) },
    }
    const manifest = { ...npmManifest(name, release), _id: `${name}@1.0.0`, dist }
    const time = { created: TIME, modified: TIME, "1.0.0": TIME }
    const document = { _id: name, name, "dist-tags": { latest: "1.0.0" }, versions: { "1.0.0": manifest }, time }
    response.setHeader("content-type", "application/json")
    response.end(JSON.stringify(document))
  })
  lab.origin.host(PYPI, ({ url = "" }, response) => {
    const [, area, name = "", file] = url.split("/")
    if (!["sourish", "plain"].includes(name)) return void response.writeHead(404).end("no")
    const bytes = wheel(name, { version: "1.0.0" })
    if (area === "files") return void response.end(file?.endsWith(".whl") ? bytes : "")
    const filename = `${name}-1.0.0-py3-none-any.whl`
    const one = { filename, url: `${lab.at(PYPI)}/files/${name}/${filename}`, hashes: { sha256: sha256(bytes) } }
    response.setHeader("content-type", "application/vnd.pypi.simple.v1+json")
    const files = [{ ...one, "upload-time": TIME, size: bytes.length }]
    response.end(JSON.stringify({ meta: { "api-version": "1.1" }, name, versions: ["1.0.0"], files }))
  })
})
afterAll(() => lab?.close())

it("npm with --registry gets the package gate's answer, and a publish is held", async (ctx) => {
  const npm = `'${process.execPath}' '${tool(ctx, "npm-11").program("npm")}' --registry=${lab.at(NPM)}/ --fetch-retries=0`
  const cwd = lab.directory("npm", { "package.json": '{"name":"shop","version":"1.0.0","license":"MIT"}\n' })
  const good = await lab.exec(`${npm} install plain@1.0.0 && cat node_modules/plain/package.json`, { cwd })
  expect(good).toMatchObject({ exit: 0, terminal: expect.stringContaining('"name": "plain"') })
  const bad = await lab.exec(`${npm} install leftish@1.0.0`, { cwd })
  expect(bad.exit).not.toBe(0)
  expect(bad.terminal).toContain("npm error code E403")
  expect(bad.terminal).toContain("nanoguard: refused leftish@1.0.0: ")

  const rc = lab.directory("publish", {
    "package.json": '{"name":"shop","version":"1.0.0","license":"MIT"}\n',
    "own.npmrc": `//${NPM}:${lab.origin.port}/:_authToken=\${NPM_TOKEN}\n`,
  })
  const running = lab.exec(`${npm} --userconfig own.npmrc publish`, { cwd: rc })
  const question = await Promise.race([lab.held(), running])
  if (!("asked" in question)) throw new Error(`nothing was held:\n${question.terminal}`)
  expect(question.asked).toMatchObject({ method: "PUT", operation: "npm:publish", path: "/shop" })
  expect(published).toEqual([])
  await lab.approve(question.id)
  const { exit, terminal } = await running
  expect(exit, terminal).toBe(0)
  expect(published).toEqual([{ url: "/shop", authorization: `Bearer ${KEY}` }])
  expect(good.terminal + bad.terminal + terminal).not.toContain(KEY)
})

it("pip with --index-url gets the package gate's answer", async (ctx) => {
  const found = await findPythonTool("pip")
  if ("missing" in found) ctx.skip(found.missing)
  const pip = `'${join((found as { bin: string }).bin, "pip")}' install --disable-pip-version-check --retries 0 --no-cache-dir --index-url ${lab.at(PYPI)}/simple/ --target site`
  const cwd = lab.directory("pip")
  const good = await lab.exec(`${pip} plain==1.0.0`, { cwd })
  expect(good).toMatchObject({ exit: 0, terminal: expect.stringContaining("Successfully installed plain-1.0.0") })
  const bad = await lab.exec(`${pip} sourish==1.0.0`, { cwd })
  expect(bad.exit).not.toBe(0)
  expect(bad.terminal).toMatch(/nanoguard: (?:refused|held back) sourish/)
})
