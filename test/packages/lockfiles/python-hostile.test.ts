// Every reader of this family against text that nobody should have written: a Lockfile that holds together, or an
// error with its place; and against generated files: as many entries as were put in.
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { NanoguardError } from "../../../src/errors.ts"
import { parseCargoLock } from "../../../src/packages/lockfiles/cargo.ts"
import { parseCycloneDx } from "../../../src/packages/lockfiles/cyclonedx.ts"
import { parseGoMod } from "../../../src/packages/lockfiles/go.ts"
import { parsePdmLock } from "../../../src/packages/lockfiles/pdm.ts"
import { parsePipfileLock } from "../../../src/packages/lockfiles/pipfile.ts"
import { parsePoetryLock } from "../../../src/packages/lockfiles/poetry.ts"
import { parsePylock } from "../../../src/packages/lockfiles/pylock.ts"
import { parseRequirements } from "../../../src/packages/lockfiles/requirements.ts"
import { parseSpdx } from "../../../src/packages/lockfiles/spdx.ts"
import { parseUvLock } from "../../../src/packages/lockfiles/uv.ts"
import type { LockfileParser } from "../../../src/packages/types.ts"
import { ALONE, CARGO_GIT_INDEX, expectSound, HEX, pinsOf } from "./python-helpers.ts"

interface Pin {
  name: string
  version: string
  /** Indexes of others in the list. */
  wants: number[]
}

interface Family {
  file: string
  parse: LockfileParser
  write: (pins: readonly Pin[]) => string
}

const hash = `hash = "sha256:${HEX}"`
const names = (pins: readonly Pin[], pin: Pin) => [
  ...new Set(pin.wants.map((index) => pins[index % pins.length]!.name)),
]

const FAMILIES: Family[] = [
  {
    file: "requirements.txt",
    parse: parseRequirements,
    write: (pins) =>
      pins
        .map(
          (pin) =>
            `${pin.name}==${pin.version} ; python_version > "3" \\\n    --hash=sha256:${HEX}\n    # via\n${names(
              pins,
              pin,
            )
              .map((name) => `    #   ${name}\n`)
              .join("")}`,
        )
        .join(""),
  },
  {
    file: "Pipfile.lock",
    parse: parsePipfileLock,
    write: (pins) =>
      JSON.stringify({
        _meta: { "pipfile-spec": 6, sources: [{ name: "x", url: "https://registry.example/simple" }] },
        default: Object.fromEntries(
          pins.map((pin) => [pin.name, { version: `==${pin.version}`, hashes: [`sha256:${HEX}`] }]),
        ),
        develop: {},
      }),
  },
  {
    file: "poetry.lock",
    parse: parsePoetryLock,
    write: (pins) =>
      `${pins
        .map(
          (pin) =>
            `[[package]]\nname = "${pin.name}"\nversion = "${pin.version}"\nfiles = [{file = "a", ${hash}}]\n[package.dependencies]\n${names(
              pins,
              pin,
            )
              .map((name) => `"${name}" = ">=0"\n`)
              .join("")}`,
        )
        .join("")}[metadata]\nlock-version = "2.1"\n`,
  },
  {
    file: "uv.lock",
    parse: parseUvLock,
    write: (pins) =>
      `version = 1\n${pins
        .map(
          (pin) =>
            `[[package]]\nname = "${pin.name}"\nversion = "${pin.version}"\nsource = { registry = "https://registry.example/simple" }\nwheels = [{ url = "https://registry.example/a.whl", ${hash} }]\ndependencies = [${names(
              pins,
              pin,
            )
              .map((name) => `{ name = "${name}" }`)
              .join(", ")}]\n`,
        )
        .join("")}`,
  },
  {
    file: "pdm.lock",
    parse: parsePdmLock,
    write: (pins) =>
      `[metadata]\nlock_version = "4.5.0"\n${pins
        .map(
          (pin) =>
            `[[package]]\nname = "${pin.name}"\nversion = "${pin.version}"\ngroups = ["default"]\ndependencies = ${JSON.stringify(names(pins, pin).map((name) => `${name}>=0; extra == "x"`))}\nfiles = [{file = "a", ${hash}}]\n`,
        )
        .join("")}`,
  },
  {
    file: "pylock.toml",
    parse: parsePylock,
    write: (pins) =>
      `lock-version = "1.0"\n${pins
        .map(
          (pin) =>
            `[[packages]]\nname = "${pin.name}"\nversion = "${pin.version}"\nindex = "https://registry.example/simple"\nwheels = [{ url = "https://registry.example/a.whl", hashes = { sha256 = "${HEX}" } }]\ndependencies = [${names(
              pins,
              pin,
            )
              .map((name) => `{ name = "${name}" }`)
              .join(", ")}]\n`,
        )
        .join("")}`,
  },
  {
    file: "Cargo.lock",
    parse: parseCargoLock,
    write: (pins) =>
      `version = 4\n${pins
        .map(
          (pin) =>
            `[[package]]\nname = "${pin.name}"\nversion = "${pin.version}"\nsource = "${CARGO_GIT_INDEX}"\nchecksum = "${HEX}"\ndependencies = ${JSON.stringify(names(pins, pin))}\n`,
        )
        .join("")}`,
  },
  {
    file: "go.mod",
    parse: parseGoMod,
    write: (pins) =>
      `module m.example/m\ngo 1.22\nrequire (\n${pins.map((pin) => `\t${pin.name} v${pin.version} // indirect\n`).join("")})\n`,
  },
  {
    file: "bom.json",
    parse: parseCycloneDx,
    write: (pins) =>
      JSON.stringify({
        bomFormat: "CycloneDX",
        specVersion: "1.5",
        components: pins.map((pin) => ({
          name: pin.name,
          "bom-ref": pin.name,
          purl: `pkg:cargo/${pin.name}@${pin.version}`,
          hashes: [{ alg: "SHA-256", content: HEX }],
        })),
        dependencies: pins.map((pin) => ({ ref: pin.name, dependsOn: names(pins, pin) })),
      }),
  },
  {
    file: "x.spdx.json",
    parse: parseSpdx,
    write: (pins) =>
      JSON.stringify({
        spdxVersion: "SPDX-2.3",
        packages: pins.map((pin) => ({
          SPDXID: pin.name,
          checksums: [{ algorithm: "SHA256", checksumValue: HEX }],
          externalRefs: [{ referenceType: "purl", referenceLocator: `pkg:cargo/${pin.name}@${pin.version}` }],
        })),
        relationships: pins.flatMap((pin) =>
          names(pins, pin).map((name) => ({
            spdxElementId: pin.name,
            relationshipType: "DEPENDS_ON",
            relatedSpdxElement: name,
          })),
        ),
      }),
  },
]

// Major 0 and 1 only: in Go others need a suffix.
const version = fc.tuple(fc.integer({ min: 0, max: 1 }), fc.nat(99), fc.nat(99)).map((parts) => parts.join("."))
const name = fc.stringMatching(/^[a-z]{1,6}(-[a-z0-9]{1,4})?$/).filter((text) => text !== "python")
const pins = fc.uniqueArray(fc.record({ name, version, wants: fc.array(fc.nat(30), { maxLength: 4 }) }), {
  selector: (pin) => pin.name,
  minLength: 1,
  maxLength: 12,
})

const HOSTILE = [
  ...[
    "__proto__",
    "constructor",
    "\u202e",
    "\u0000",
    "\r\n",
    "\u2028",
    "../../..",
    "https://",
    "$\u007bX}",
    "%0a",
    "[[package]]",
    '"""',
    "'",
  ],
  ...[
    "[",
    "]",
    "{",
    "}",
    '"',
    "\\",
    "#",
    ",",
    "=",
    "//",
    "replace ",
    "-r x",
    "--hash=sha256:",
    "e999",
    "1e400",
    "null",
    "\ud800",
    " ".repeat(300),
  ],
]

interface Cut {
  at: number
  remove: number
  insert: string
}

const cuts = fc.array(
  fc.record({
    at: fc.nat(1_000_000),
    remove: fc.oneof(fc.constant(0), fc.nat(20), fc.nat(100_000)),
    insert: fc.oneof(fc.constantFrom(...HOSTILE), fc.string({ maxLength: 5 }), fc.constant("")),
  }),
  { minLength: 1, maxLength: 3 },
)

function mutate(text: string, edits: readonly Cut[]): string {
  return edits.reduce((result, { at, remove, insert }) => {
    const start = at % (result.length + 1)
    return result.slice(0, start) + insert + result.slice(start + remove)
  }, text)
}

/** Reads; what comes back must hold together, and what is thrown must be ours, with a place and words that can be printed. */
async function readHostile({ file, parse }: Family, text: string): Promise<void> {
  try {
    const lockfile = await parse(text, `dir/${file}`, ALONE)
    expect(lockfile.path).toBe(`dir/${file}`)
    expectSound(lockfile)
  } catch (error) {
    if (!(error instanceof NanoguardError)) throw error
    expect(error.where?.file).toBe(`dir/${file}`)
    expect(error.where?.line).toBeGreaterThanOrEqual(1)
    expect(error.where?.line).toBeLessThanOrEqual(text.split(/\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]/).length + 1)
    expect(error.message).toMatch(/^[\x20-\x7e…]{1,400}$/)
  }
}

describe.each(FAMILIES.map((family) => [family.file, family] as const))("%s", (_file, family) => {
  it("keeps every entry, with its hash and its line", async () => {
    await fc.assert(
      fc.asyncProperty(pins, async (list) => {
        const text = family.write(list)
        const lockfile = await family.parse(text, family.file, ALONE)
        const v = family.file === "go.mod" ? "v" : ""
        expect(pinsOf(lockfile).sort()).toEqual(list.map((pin) => `${pin.name}@${v}${pin.version}`).sort())
        expectSound(lockfile)
        const wanted = new Set(list.flatMap((pin) => names(list, pin).map((to) => `${pin.name} ${to}`)))
        const byKey = new Map(lockfile.dependencies.map((one) => [one.key, one]))
        for (const { key, name: own, integrity } of lockfile.dependencies) {
          expect(integrity).toHaveLength(family.file === "go.mod" ? 0 : 1)
          const lines = text.split("\n")
          expect(lines.slice(lockfile.lineOf(key) - 1, lockfile.lineOf(key) + 1).join("\n")).toContain(own)
        }
        for (const { from, to } of lockfile.edges) {
          const [parent, child] = [byKey.get(from)?.name, byKey.get(to)!.name]
          // A `# via` comment names the parent, all others the child.
          const edge = family.file === "requirements.txt" ? `${child} ${parent}` : `${parent} ${child}`
          if (parent !== undefined) expect(wanted).toContain(edge)
        }
      }),
      { numRuns: 60 },
    )
  })

  it("survives any text", async () => {
    const text = fc.oneof(
      fc.string({ unit: "binary", maxLength: 200 }),
      fc.array(fc.constantFrom(...HOSTILE, "a==1", "\n"), { maxLength: 20 }).map((parts) => parts.join("")),
      fc.json(),
    )
    await fc.assert(
      fc.asyncProperty(text, (hostile) => readHostile(family, hostile)),
      { numRuns: 200 },
    )
  })

  it("survives files that were cut, overwritten and injected into", async () => {
    await fc.assert(
      fc.asyncProperty(pins, cuts, (list, edits) => readHostile(family, mutate(family.write(list), edits))),
      { numRuns: 200 },
    )
  })

  it("survives deep nesting and a long line", async () => {
    for (const text of [
      "[".repeat(50_000),
      '{"a":'.repeat(50_000),
      `a = ${"[".repeat(50_000)}`,
      " ".repeat(500_000),
      "\\".repeat(500_000),
      `${"a.".repeat(50_000)} = 1`,
    ]) {
      await readHostile(family, text)
    }
  })
})
