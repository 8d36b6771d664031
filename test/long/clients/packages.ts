// Packages that the fixtures build themselves, the same bytes every time: what a test says of a release becomes an npm tarball, a
// wheel, a crate or a Go module's archive.
import { createHash } from "node:crypto"
import { gzipSync, strToU8, zipSync } from "fflate"

/** One release. A dependency is a pin ("=1.2.0") or a range that stays below the next major version ("^1.0.0"). */
export interface Release {
  version: string
  dependencies?: Readonly<Record<string, string>>
  /** A text that its code holds besides. */
  note?: string
}

/** What the code of a release says. */
const codeOf = (name: string, { version, note = "" }: Release) => JSON.stringify(`${name}@${version}${note}`)

export type Packages = Readonly<Record<string, readonly Release[]>>

/** The path of the Go module of a package. */
export const goModule = (name: string) => `go.example/lab/${name}`

/** A dependency in the words of an ecosystem. */
export const requirement = {
  npm: (range: string) => range.replace(/^=/, ""),
  pypi: (range: string) => (range.startsWith("=") ? `=${range}` : `>=${range.slice(1)},<${nextMajor(range.slice(1))}`),
  cargo: (range: string) => range,
}

const nextMajor = (version: string) => `${Number(version.split(".")[0]) + 1}`

/** A package.json, as the registry and the tarball hold it. */
export function npmManifest(name: string, { version, dependencies = {} }: Release) {
  return {
    name,
    version,
    license: "MIT",
    main: "index.js",
    bin: { [name]: "index.js" },
    dependencies: Object.fromEntries(Object.entries(dependencies).map(([key, range]) => [key, requirement.npm(range)])),
  }
}

export function npmTarball(name: string, release: Release): Buffer {
  return tarGz({
    "package/package.json": `${JSON.stringify(npmManifest(name, release), null, 2)}\n`,
    "package/index.js": `#!/usr/bin/env node\nmodule.exports = ${codeOf(name, release)}\n`,
  })
}

/** METADATA of a wheel (core metadata 2.1), which PEP 658 serves on its own as well. */
export function wheelMetadata(name: string, { version, dependencies = {} }: Release): string {
  const requires = Object.entries(dependencies).map(
    ([key, range]) => `Requires-Dist: ${key}${requirement.pypi(range)}\n`,
  )
  return `Metadata-Version: 2.1\nName: ${name}\nVersion: ${version}\nLicense: MIT\n${requires.join("")}`
}

export function wheel(name: string, release: Release): Buffer {
  const module = name.replaceAll("-", "_")
  const info = `${module}-${release.version}.dist-info`
  const files: Record<string, string> = {
    [`${module}/__init__.py`]: `VERSION = ${codeOf(name, release)}\n`,
    [`${info}/METADATA`]: wheelMetadata(name, release),
    [`${info}/WHEEL`]: "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
  }
  const lines = Object.entries(files).map(([path, text]) => {
    const hash = createHash("sha256").update(text).digest("base64url")
    return `${path},sha256=${hash},${text.length}\n`
  })
  return zip({ ...files, [`${info}/RECORD`]: `${lines.join("")}${info}/RECORD,,\n` })
}

export function crate(name: string, release: Release): Buffer {
  const { version, dependencies = {} } = release
  const lines = Object.entries(dependencies).map(([key, range]) => `${key} = "${requirement.cargo(range)}"\n`)
  const root = `${name}-${version}`
  return tarGz({
    [`${root}/Cargo.toml`]: `[package]\nname = "${name}"\nversion = "${version}"\nedition = "2021"\nlicense = "MIT"\n\n[dependencies]\n${lines.join("")}`,
    [`${root}/src/lib.rs`]: `pub const VERSION: &str = ${codeOf(name, release)};\n`,
  })
}

/** A module's go.mod: Go knows only least versions, so a range becomes its lower end. */
export function goMod(name: string, { dependencies = {} }: Release): string {
  const lines = Object.entries(dependencies).map(([key, range]) => `require ${goModule(key)} v${range.slice(1)}\n`)
  return `module ${goModule(name)}\n\ngo 1.21\n\n${lines.join("")}`
}

export function goZip(name: string, release: Release): Buffer {
  const root = `${goModule(name)}@v${release.version}`
  const imports = Object.keys(release.dependencies ?? {}).map((key) => `import _ "${goModule(key)}"\n`)
  const word = name.replaceAll("-", "")
  return zip({
    [`${root}/go.mod`]: goMod(name, release),
    [`${root}/${word}.go`]: `package ${word}\n\n${imports.join("")}\nconst Version = ${codeOf(name, release)}\n`,
    [`${root}/LICENSE`]: "MIT License\n",
  })
}

export const sri = (bytes: Buffer) => `sha512-${createHash("sha512").update(bytes).digest("base64")}`
export const sha256 = (bytes: Buffer | string) => createHash("sha256").update(bytes).digest("hex")
export const sha1 = (bytes: Buffer) => createHash("sha1").update(bytes).digest("hex")

function zip(files: Record<string, string>): Buffer {
  const mtime = new Date(2020, 0, 1)
  return Buffer.from(
    zipSync(Object.fromEntries(Object.entries(files).map(([path, text]) => [path, strToU8(text)])), { mtime }),
  )
}

export function tarGz(files: Record<string, string>): Buffer {
  const parts = Object.entries(files).flatMap(([path, text]) => tarEntry(path, strToU8(text)))
  return Buffer.from(gzipSync(Buffer.concat([...parts, Buffer.alloc(1024)]), { mtime: 0 }))
}

/** One regular file of a tar archive (POSIX ustar). */
function tarEntry(path: string, body: Uint8Array): Buffer[] {
  const header = Buffer.alloc(512)
  const octal = (value: number, digits: number) => `${value.toString(8).padStart(digits, "0")}\0`
  header.write(path, 0)
  header.write(octal(0o644, 7), 100)
  header.write(octal(0, 7), 108)
  header.write(octal(0, 7), 116)
  header.write(octal(body.length, 11), 124)
  header.write(octal(1_577_836_800, 11), 136)
  header.write("        0", 148)
  header.write("ustar\x0000", 257)
  header.write(
    `${octal(
      header.reduce((sum, byte) => sum + byte, 0),
      6,
    )} `,
    148,
  )
  return [header, Buffer.from(body), Buffer.alloc(-body.length & 511)]
}
