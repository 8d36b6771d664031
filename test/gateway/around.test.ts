import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { findWayRound } from "../../src/gateway/around.ts"

const words = (line: string) => line.match(/'[^']*'|\S+/g)!.map((word) => word.replace(/^'|'$/g, ""))
const find = (line: string) => findWayRound(words(line), "http://127.0.0.1:4873")

describe("a command that goes round the gate", () => {
  it.each([
    // What was typed states name and version: the correction is exact.
    ["npm i https://registry.example/left-pad/-/left-pad-1.3.0.tgz", "npm i left-pad@1.3.0"],
    ["pnpm add https://registry.example/@acme/a/-/a-1.0.0-rc.1.tgz", "pnpm add @acme/a@1.0.0-rc.1"],
    ["pip install https://files.registry.example/x/Left_Pad-1.0-py3-none-any.whl", "pip install left-pad==1.0"],
    ["pip3.12 install https://files.registry.example/x/left-pad-1.0.tar.gz#sha256=00", "pip3.12 install left-pad==1.0"],
    ["uv pip install ./left_pad-2.0-py3-none-any.whl", "uv pip install left-pad==2.0"],
    // Or a name alone.
    ["npm install left-pad@git+ssh://git@git.example/left-pad.git#v1", "npm install left-pad"],
    ["yarn add left-pad@github:stevemao/left-pad", "yarn add left-pad"],
    ["bun a left-pad@https://x.example/y.tgz", "bun a left-pad"],
    ["python3 -m pip install 'Left.Pad[a] @ git+https://git.example/x'", "python3 -m pip install left-pad"],
    ["pip install -e git+https://git.example/x#egg=left_pad", "pip install left-pad"],
    ["uv add left-pad@git+https://git.example/x", "uv add left-pad"],
    ["cargo install --git https://git.example/ripgrep ripgrep", "cargo install ripgrep"],
    ["cargo add serde --git=https://git.example/serde --branch main", "cargo add serde"],
  ])("%s: %s", (line, command) => {
    const found = find(line)
    expect(found).toMatchObject({ command, hint: `ask the gate for it instead: ${command}` })
    // What is corrected to goes through.
    expect(find(command)).toBeUndefined()
  })

  it.each([
    // A repository's own name is not the package's: nothing is guessed.
    ["npm i git+https://git.example/x/left-pad.git", "npm i <name>@<version>"],
    ["npm i stevemao/left-pad", "npm i <name>@<version>"],
    ["npm install --save-dev -E git@github.example:stevemao/left-pad.git", "npm install <name>@<version>"],
    ["/usr/bin/npx -y github:stevemao/left-pad --help", "npx <name>@<version>"],
    ["npx -p https://x.example/a.tgz a", "npx <name>@<version>"],
    ["npm exec --package=git+https://git.example/x -- x", "npm exec <name>@<version>"],
    ["corepack pnpm dlx https://x.example/a", "pnpm dlx <name>@<version>"],
    ["yarnpkg add ./left-pad.tgz", "yarn add <name>@<version>"],
    ["yarn add left-pad@jsr:@a/b", "yarn add <name>@<version>"],
    ["bunx git+ssh://git.example/x", "bunx <name>@<version>"],
    ["pip install git+https://git.example/left-pad", "pip install <name>==<version>"],
    ["pip install --editable=git+https://git.example/left-pad", "pip install <name>==<version>"],
    ["uvx --from git+https://git.example/x x", "uvx <name>==<version>"],
    ["uv run --with https://x.example/y.zip script.py", "uv run <name>==<version>"],
    ["uv tool install git+https://git.example/x", "uv tool install <name>==<version>"],
    ["poetry add git+https://git.example/x.git#v1", "poetry add <name>==<version>"],
    ["pipenv install git+https://git.example/x#egg=x", "pipenv install x"],
    ["pdm add https://x.example/y", "pdm add <name>==<version>"],
    ["cargo install --git https://git.example/x", "cargo install <name>@<version>"],
  ])("%s: asks for %s", (line, form) => {
    expect(find(line)?.hint).toContain(form)
  })

  it.each([
    "npm i left-pad --registry https://registry.example",
    "npm i --@acme:registry=https://registry.example @acme/a",
    "npx --registry=https://registry.example left-pad",
    "pip install -i https://registry.example/simple left-pad",
    "pip install --extra-index-url=https://registry.example/simple left-pad",
    "pip install -fhttps://registry.example left-pad",
    "uv sync --default-index https://registry.example/simple",
    "uv add --index acme=https://registry.example/simple left-pad",
    "cargo install --index https://registry.example/index x",
    "env GOPROXY=direct go install x.example/y@v1.0.0",
    "/usr/bin/env -i PIP_INDEX_URL=https://registry.example pip install x",
  ])("%s: names another registry", (line) => {
    expect(find(line)).toMatchObject({
      what: expect.stringContaining("another registry"),
      hint: expect.stringMatching(/^leave it out/),
    })
  })

  it("is cargo vendor as it comes", () => {
    for (const line of ["cargo vendor", "/usr/bin/cargo +nightly --locked vendor third_party"])
      expect(find(line)).toMatchObject({ command: "cargo vendor --respect-source-config" })
    expect(find("cargo vendor --respect-source-config")).toBeUndefined()
    expect(find("cargo run vendor")).toBeUndefined()
  })

  it("shows no credential, and no character that a terminal would obey", () => {
    const { what } = findWayRound(["npm", "i", "git+https://ana:secret@git.example/x\u001b[2J\u202e"])!
    expect(what).toBe("a repository is no registry: git+https://git.example/x?[2J?")
  })
})

describe("a command that asks the gate", () => {
  it.each([
    "npm ci",
    "npm i",
    "npm install left-pad @acme/a@^1.0.0 b@latest c@npm:d@1 e@workspace:*",
    "npm i ./packages/a ../b file:c",
    "npm --prefix git+x run install",
    "npm run add git+https://git.example/x",
    "npm i left-pad --registry http://127.0.0.1:4873/npm/",
    "npx cowsay https://x.example/a.tgz git+https://git.example/x",
    "npx --yes cowsay@1 user/repository",
    "pnpm install --frozen-lockfile",
    "yarn",
    "yarn workspace a add b",
    "bun run x.ts https://x.example/y.tgz",
    "pip install -r requirements.txt -c https://x.example/constraints.txt",
    "pip install -e . 'left-pad[a]>=1,<2'",
    "pip install --proxy http://proxy.example left-pad",
    "python3 script.py git+https://git.example/x",
    "python -m http.server",
    "uv sync",
    "uvx ruff@latest check https://x.example/y.zip",
    "uv run --with rich script.py git+https://git.example/x",
    "cargo build",
    "cargo install --path .",
    "go install x.example/y@latest",
    "env FOO=1 npm ci",
    "env",
    "git clone https://git.example/x",
    "make",
  ])("%s", (line) => {
    expect(find(line)).toBeUndefined()
  })

  it("is told in bounded time, whatever the words are", () => {
    const word = fc.oneof(
      fc.string({ maxLength: 20 }),
      fc.constantFrom(
        "npm",
        "i",
        "pip",
        "install",
        "-e",
        "--",
        "-",
        "=",
        "git+x:",
        "a@",
        "env",
        "python",
        "-m",
        "uv",
        "tool",
        "cargo",
        "--git",
      ),
    )
    fc.assert(fc.property(fc.array(word, { maxLength: 12 }), (any) => void findWayRound(any)))
    expect(findWayRound([])).toBeUndefined()
    for (const long of [
      "a@".repeat(5_000),
      "/-/a".repeat(5_000),
      ".tar".repeat(5_000),
      "a-1".repeat(5_000),
      "git@".repeat(5_000),
      "-".repeat(9_000),
    ])
      for (const program of [
        ["npm", "i"],
        ["pip", "install"],
      ])
        findWayRound([...program, long, `https://x.example/${long}`])
  })
})
