// Schemas of other standards, from the packages that publish them.
import { execFile } from "node:child_process"
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { createRequire } from "node:module"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { promisify } from "node:util"
import { Ajv, type ValidateFunction } from "ajv"

/** Why a test that needs the SARIF schema cannot run. */
export const NO_SCHEMA =
  "the SARIF schema is missing: npm pack could not fetch it, run the tests once with a registry in reach"

const run = promisify(execFile)

const SARIF = { name: "@microsoft/jest-sarif@1.0.0-beta.0", file: "package/lib/schemas/sarif-2.1.0-rtm.5.json" }

const CACHE = join(import.meta.dirname, "../../node_modules/.cache/nanoguard-test/sarif-2.1.0.json")

/**
 * The JSON Schema of SARIF 2.1.0, fetched once with npm from a package whose dependencies the tests do not need;
 * undefined where npm cannot reach a registry.
 */
async function sarifSchema(): Promise<object | undefined> {
  if (!existsSync(CACHE) && !(await fetchSarifSchema())) return undefined
  const { $schema: _draft4, id: _id, ...schema } = JSON.parse(readFileSync(CACHE, "utf8"))
  return schema
}

async function fetchSarifSchema(): Promise<boolean> {
  const dir = mkdtempSync(join(tmpdir(), "nanoguard-sarif-"))
  try {
    const args = ["pack", SARIF.name, "--json", "--ignore-scripts", "--prefer-offline", "--fetch-retries=0"]
    const { stdout } = await run("npm", [...args, "--fetch-timeout=10000"], { cwd: dir, timeout: 20_000 })
    const [{ filename, integrity }] = JSON.parse(stdout)
    if (integrity !== SARIF_INTEGRITY) throw new Error(`${SARIF.name} is not what it was: ${integrity}`)
    const tar = await run("tar", ["-xzOf", filename, SARIF.file], { cwd: dir, maxBuffer: 1 << 20 })
    mkdirSync(dirname(CACHE), { recursive: true })
    writeFileSync(CACHE, tar.stdout)
    return true
  } catch {
    return false
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

const SARIF_INTEGRITY =
  "sha512-A1fOhPd6Ic5iDk4F9YPw1qNB4XF+7+IviR7xl8r2F6QzQkx5cpY9LsGk2rExiFIEcBbjpVnSmwWGBukASkiQ9A=="

/** A validator for CycloneDX 1.6, from the schemas that its own library ships. */
export function cyclonedxValidator(): ValidateFunction {
  const root = dirname(createRequire(import.meta.url).resolve("@cyclonedx/cyclonedx-library/package.json"))
  const read = (name: string) => JSON.parse(readFileSync(join(root, "res/schema", name), "utf8"))
  const ascii = (text: string) => /^[\x21-\x7e]*$/.test(text)
  const formats = { "date-time": isDateTime, "iri-reference": ascii, "idn-email": ascii, email: ascii, uri: ascii }
  const ajv = new Ajv({ strict: false, formats })
  for (const name of ["spdx.SNAPSHOT.schema.json", "jsf-0.82.SNAPSHOT.schema.json"]) {
    const { $id: _id, ...schema } = read(name)
    ajv.addSchema(schema, `http://cyclonedx.org/schema/${name}`)
  }
  return ajv.compile(read("bom-1.6.SNAPSHOT.schema.json"))
}

/** A validator for SARIF 2.1.0; undefined where its schema is not at hand, see `sarifSchema`. */
export async function sarifValidator(): Promise<ValidateFunction | undefined> {
  const schema = await sarifSchema()
  if (schema === undefined) return undefined
  const uri = (text: string) => /^[A-Za-z][A-Za-z0-9+.-]*:[\x21-\x7e]*$/.test(text) && URL.canParse(text)
  const reference = (text: string) => /^(?:[\w.~:/?#@!$&'()*+,;=-]|%[0-9A-F]{2}|\[|\])*$/.test(text)
  const formats = { uri, "uri-reference": reference, "date-time": isDateTime }
  return new Ajv({ strict: false, unicodeRegExp: false, formats }).compile(schema)
}

function isDateTime(text: string): boolean {
  return /^\d{4}-\d\d-\d\dT/.test(text) && !Number.isNaN(Date.parse(text))
}
