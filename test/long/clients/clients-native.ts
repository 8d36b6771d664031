// Cargo and Go, as the machine has them.
import { execFileSync } from "node:child_process"
import { globSync, readFileSync } from "node:fs"
import { homedir } from "node:os"
import { join } from "node:path"
import type { TestContext } from "vitest"
import { canRun } from "../python-tools.ts"
import type { ClientDescription } from "./description.ts"
import { goModule, requirement } from "./packages.ts"

const fromMachine = (program: string, args: string[]) => async (ctx: TestContext) => {
  if (!(await canRun(program, args))) ctx.skip(`${program} is missing: install it`)
  return execFileSync("sh", ["-c", `command -v ${program}`], { encoding: "utf8" }).trim()
}

/** Left alone it would ask the public index, whatever the configuration says. */
const VENDOR = "cargo vendor --quiet --respect-source-config vendor"

export const cargo: ClientDescription = {
  label: "cargo",
  ecosystem: "cargo",
  command: "cargo",
  find: fromMachine("cargo", ["--version"]),
  env: (_home, program) => ({
    RUSTC: join(program, "..", "rustc"),
    RUSTUP_HOME: process.env["RUSTUP_HOME"] ?? join(homedir(), ".rustup"),
  }),
  files: (wanted) => ({
    "src/main.rs": "fn main() {}\n",
    "Cargo.toml": `[package]\nname = "project"\nversion = "0.1.0"\nedition = "2021"\n\n[dependencies]\n${Object.entries(
      wanted,
    )
      .map(([name, range]) => `${name} = "${requirement.cargo(range)}"\n`)
      .join("")}`,
  }),
  install: VENDOR,
  frozen: "cargo vendor --quiet --respect-source-config --locked vendor",
  add: (name) => `cargo add --quiet ${name} && ${VENDOR}`,
  once: (name, version) => `cargo install ${name}@${version}`,
  locks: ["Cargo.lock"],
  trees: ["vendor"],
  installed: (project, name) => {
    const [path] = globSync(`vendor/${name}/Cargo.toml`, { cwd: project })
    return path && /^version = "(.+)"$/m.exec(readFileSync(join(project, path), "utf8"))?.[1]
  },
}

export const go: ClientDescription = {
  label: "go",
  ecosystem: "golang",
  command: "go",
  find: fromMachine("go", ["version"]),
  env: (home) => ({
    GOMODCACHE: join(home, "modules"),
    GOCACHE: join(home, "build"),
    GOFLAGS: "-modcacherw",
    GOTOOLCHAIN: "local",
    GOENV: "off",
    // No checksum database knows the modules of this test.
    GONOSUMDB: "*",
  }),
  files: (wanted) => ({
    "main.go": `package main\n\n${Object.keys(wanted)
      .map((name) => `import _ "${goModule(name)}"\n`)
      .join("")}\nfunc main() {}\n`,
    "go.mod": `module example.org/project\n\ngo 1.21\n\n${Object.entries(wanted)
      .map(([name, range]) => `require ${goModule(name)} v${range.slice(1)}\n`)
      .join("")}`,
  }),
  install: "go mod tidy && go mod vendor",
  frozen: "go mod vendor",
  add: (name) => `go get ${goModule(name)}@latest`,
  once: (name, version) => `go run ${goModule(name)}@v${version}`,
  locks: ["go.mod", "go.sum"],
  trees: ["vendor"],
  installed: (project, name) => {
    // What a `replace` takes stands in the code alone.
    const [path] = globSync(`vendor/${goModule(name)}/*.go`, { cwd: project })
    if (path !== undefined) return /@([\d.]+)"/.exec(readFileSync(join(project, path), "utf8"))?.[1]
    return new RegExp(`${goModule(name)} v(\\S+)`).exec(readFileSync(join(project, "go.mod"), "utf8"))?.[1]
  },
}
