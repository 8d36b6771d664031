// Which words of a package manager's command say what to install, and which say from where.

export type Family = "js" | "python" | "cargo"

export interface Invocation {
  family: Family
  /** The command up to what it installs, in words of our own. */
  prefix: string[]
  specs: string[]
  /** Registries that options name. */
  registries: string[]
  /** Cargo's `--git`, beside which names stand alone. */
  repository?: string
}

interface Options {
  /** Options whose value is something to install. */
  specs: ReadonlySet<string>
  /** Options whose value is a registry. */
  registries: ReadonlySet<string>
  /** Other options that take a value, as far as one could be taken for something to install. */
  valued: ReadonlySet<string>
}

const set = (words: string) => new Set(words.split(" "))

const OPTIONS: Readonly<Record<Family, Options>> = {
  js: {
    specs: set("--package -p"),
    registries: set("--registry"),
    valued: set("--prefix -C --dir --cwd --cache --proxy --https-proxy --userconfig -w --workspace --filter -F --tag"),
  },
  python: {
    specs: set("-e --editable --from --with --with-editable"),
    registries: set("-i --index-url --pypi-url --extra-index-url -f --find-links --index --default-index"),
    valued: set(
      "-r --requirement --requirements --with-requirements -c --constraint --constraints --proxy --python -p -t --target --prefix --root --src --overrides --group --extra --directory --project",
    ),
  },
  cargo: {
    specs: set(""),
    registries: set("--index"),
    valued: set(
      "--git --path --root --branch --tag --rev --version --features -F --target --manifest-path --rename --registry -p --package",
    ),
  },
}

/** Commands that install what they name, and such as fetch one package to run it: what follows its name is its own. */
const INSTALLS: readonly (readonly [Family, string, "all" | "first"])[] = [
  ...each("js", "npm", "install i in ins inst isntall add install-test it update up link", "all"),
  ...each("js", "pnpm", "add install i update up", "all"),
  ...each("js", "yarn", "add up upgrade", "all"),
  ["js", "yarn global add", "all"],
  ...each("js", "bun", "add install i a update", "all"),
  ...each("js", "npm", "exec x init create", "first"),
  ...each("js", "pnpm", "dlx create", "first"),
  ...each("js", "yarn", "dlx create", "first"),
  ...each("js", "bun", "x create c", "first"),
  ["js", "npx", "first"],
  ["js", "pnpx", "first"],
  ["js", "bunx", "first"],
  ...each("python", "pip", "install download wheel", "all"),
  ...each("python", "uv", "add sync lock", "all"),
  ...each("python", "uv pip", "install sync compile", "all"),
  ["python", "uv tool install", "all"],
  ["python", "uv tool run", "first"],
  ["python", "uv run", "first"],
  ["python", "uvx", "first"],
  ["python", "pipx install", "all"],
  ["python", "pipx run", "first"],
  ["python", "poetry add", "all"],
  ...each("python", "pipenv", "install upgrade", "all"),
  ["python", "pdm add", "all"],
  ...each("cargo", "cargo", "install add binstall", "all"),
]

function each(family: Family, program: string, words: string, which: "all" | "first") {
  return words.split(" ").map((word) => [family, `${program} ${word}`, which] as const)
}

type Token = { option: string; value?: string } | { word: string }

/** The installing command that the words are, if it is one that is known. */
export function findInvocation(command: readonly string[]): Invocation | undefined {
  const { program, shown, args } = programOf(command)
  const family = INSTALLS.find(([, words]) => words.split(" ")[0] === program)?.[0]
  if (family === undefined) return undefined
  const tokens = tokensOf(args, OPTIONS[family])
  for (const [of, words, which] of INSTALLS) {
    const [first, ...sub] = words.split(" ")
    const after = first === program ? indexAfter(tokens, sub) : undefined
    if (after !== undefined) return invocationOf(of, [shown, ...sub], tokens, after, which)
  }
  return undefined
}

/** `python3 -m pip` is pip; folders and versions in a program's name do not matter. */
function programOf(command: readonly string[]): { program: string; shown: string; args: readonly string[] } {
  const start = /(?:^|\/)env$/.test(command[0] ?? "")
    ? command.findIndex((word, at) => at > 0 && !/^-|^\w+=/.test(word))
    : 0
  const [path = "", ...args] = start < 0 ? [] : command.slice(start)
  const program = (/([^/\\]+)$/.exec(path)?.[1] ?? "").replace(/\.(?:exe|cmd)$/i, "")
  if (
    /^(?:python|pypy|py)[0-9.]*$/.test(program) &&
    args[0] === "-m" &&
    /^(?:pip|uv|pipx|pdm|poetry)$/.test(args[1] ?? "")
  )
    return { program: args[1]!, shown: `${program} -m ${args[1]!}`, args: args.slice(2) }
  if (program === "corepack") return programOf(args)
  if (/^pip[0-9.]+$/.test(program)) return { program: "pip", shown: program, args }
  return program === "yarnpkg" ? { program: "yarn", shown: "yarn", args } : { program, shown: program, args }
}

function tokensOf(args: readonly string[], { specs, registries, valued }: Options): Token[] {
  const tokens: Token[] = []
  for (let at = 0; at < args.length && at < 10_000; at++) {
    const arg = args[at]!
    if (arg === "--") continue
    if (!arg.startsWith("-") || arg === "-") {
      tokens.push({ word: arg })
      continue
    }
    const equals = arg.indexOf("=")
    const short = /^-[a-z]/i.test(arg) && arg.length > 2 && equals !== 2
    const option = short ? arg.slice(0, 2) : equals < 0 ? arg : arg.slice(0, equals)
    const takes = specs.has(option) || registries.has(option) || valued.has(option)
    if (short) tokens.push(takes ? { option, value: arg.slice(2) } : { option: arg })
    else if (equals >= 0) tokens.push({ option, value: arg.slice(equals + 1) })
    else if (takes && at + 1 < args.length) tokens.push({ option, value: args[++at]! })
    else tokens.push({ option })
  }
  return tokens
}

/** Where the words of a subcommand end, which may have options before and between them; undefined where they are not there. */
function indexAfter(tokens: readonly Token[], words: readonly string[]): number | undefined {
  let at = 0
  for (const word of words) {
    while (at < tokens.length && !("word" in tokens[at]!)) at++
    const token = tokens[at++]
    if (token === undefined || !("word" in token) || token.word !== word) return undefined
  }
  return at
}

function invocationOf(
  family: Family,
  prefix: string[],
  tokens: readonly Token[],
  after: number,
  which: "all" | "first",
): Invocation {
  const first = tokens.findIndex((token, at) => at >= after && "word" in token)
  const own = which === "first" && first >= 0 ? tokens.slice(0, first + 1) : tokens
  const { specs, registries } = OPTIONS[family]
  const found: Invocation = { family, prefix, specs: [], registries: [] }
  own.forEach((token, at) => {
    if ("word" in token) {
      if (at >= after) found.specs.push(token.word)
    } else if (token.value !== undefined) {
      if (specs.has(token.option)) found.specs.push(token.value)
      else if (registries.has(token.option) || /^--@[^:]+:registry$/.test(token.option))
        found.registries.push(token.value)
      else if (family === "cargo" && token.option === "--git") found.repository = token.value
    }
  })
  // Cargo installs all of a repository where no name is given.
  if (found.repository !== undefined && found.specs.length === 0) found.specs.push("")
  return found
}
