// What points every package manager at the gate: variables, and files for the two that want one. docs/clients.md has the experiments.
import { join } from "node:path"

type Env = Readonly<Record<string, string | undefined>>

export interface SettingsInput {
  /** The gate's own address: scheme, host and port, without a path. */
  base: string
  /** Who asks, where the gate has to know. */
  token?: string
  /** Absolute: where the files lie as long as the variables are in force. Cargo keeps what it downloaded there, and builds all anew elsewhere. */
  directory: string
  /** The environment that the variables are added to: what it says of proxies stays true. */
  env?: Env
  /** Whether Yarn 1 is likely to run: see `likelyYarn`. */
  yarnClassic?: boolean
  /** Text of the person's own `.npmrc`, which npm no longer reads: what does not concern registries is carried over. */
  npmrc?: string
}

export interface ClientSettings {
  /** The token is in here, and nowhere else. "" takes a variable's effect away. */
  env: Record<string, string>
  /** The same for every token. */
  files: { path: string; text: string }[]
  /** What no variable can do, as sentences for a person. */
  notes: string[]
}

/** The user beside the token, the name of Poetry's and of Cargo's source. */
const US = "nanoguard"

/**
 * Settings for npm, pnpm, Yarn, Bun, pip, uv, pdm, Pipenv, Poetry, Cargo and Go. They lead a willing client: a project's own configuration (a scope's
 * registry in `.npmrc`, an index in `pyproject.toml`, addresses in a lockfile) may still name another place.
 */
export function clientSettings(input: SettingsInput): ClientSettings {
  const { base, token, directory, env = {} } = input
  const { origin } = new URL(base)
  const npmrc = join(directory, "npmrc")
  const cargo = join(directory, "cargo")
  return {
    env: {
      ...npmVariables(origin, token, npmrc),
      ...(token !== undefined && input.yarnClassic === true && { npm_config_always_auth: "true" }),
      ...pythonVariables(origin, token),
      ...cargoVariables(origin, token, cargo, env),
      // Only the path can carry a token: Go sends no credentials without TLS.
      GOPROXY: `${withToken(origin, token)}/go`,
      // Modules that are private by other variables come through the gate, too. An empty variable would count as none.
      GONOPROXY: "none",
      ...proxyVariables(origin, env),
      ...(token !== undefined && { NANOGUARD_TOKEN: token }),
    },
    files: [
      { path: npmrc, text: npmConfig(origin, token, input.npmrc ?? "") },
      { path: join(cargo, "config.toml"), text: `[source.crates-io]\nreplace-with = "${US}"\n` },
    ],
    notes: [
      `Poetry takes its index from the project alone: poetry source add --priority=primary ${US} ${origin}/pypi/simple/`,
    ],
  }
}

/** Names are set in both spellings where a client takes both: which of two counts is chance. */
function npmVariables(origin: string, token: string | undefined, npmrc: string): Record<string, string> {
  const registry = `${origin}/npm/`
  return {
    npm_config_registry: registry,
    NPM_CONFIG_REGISTRY: registry,
    // A lockfile without addresses is good behind the gate and without it; one that names the gate is good here alone.
    npm_config_omit_lockfile_registry_resolved: "true",
    npm_config_userconfig: npmrc,
    NPM_CONFIG_USERCONFIG: npmrc,
    pnpm_config_registry: registry,
    BUN_CONFIG_REGISTRY: registry,
    YARN_NPM_REGISTRY_SERVER: `${origin}/npm`,
    ...(origin.startsWith("http:") && { YARN_UNSAFE_HTTP_WHITELIST: new URL(origin).hostname }),
    ...(token !== undefined && {
      BUN_CONFIG_TOKEN: token,
      YARN_NPM_AUTH_TOKEN: token,
      YARN_NPM_ALWAYS_AUTH: "true",
    }),
  }
}

/**
 * Whether Yarn 1 is likely to run: a command names Yarn, or the project's `yarn.lock` begins as Yarn 1 begins it. It sends credentials for every
 * package only if it is told to, by a setting that npm 11 and later warn of at each start, and so the setting is not for everyone.
 */
export function likelyYarn(command: readonly string[], lockfile = ""): boolean {
  return command.some((word) => /\byarn(?:pkg)?\b/.test(word)) || /^#.*\n# yarn lockfile v1\b/.test(lockfile)
}

/** Settings that say where packages come from, or who asks: the gate has its own, and knows what lies behind it. */
const OF_REGISTRIES =
  /^(?:@|\/\/|.*(?:registry|_auth|token|proxy)|(?:username|email|always-auth|ca|cafile|cert|certfile|key|keyfile|strict-ssl|userconfig|globalconfig)(?:\[\])?$)/i

function npmConfig(origin: string, token: string | undefined, own: string): string {
  // Only plain lines: what a section header or a quoted name makes of the rest is not for us to tell.
  const kept = own.split(/\r?\n/, 1000).filter((line) => {
    const key = /^\s*([A-Za-z@/][^=\s]*)\s*(?:=|$)/.exec(line)?.[1]
    return key !== undefined && !OF_REGISTRIES.test(key)
  })
  const credential = `//${new URL(origin).host}/npm/:_authToken=\${NANOGUARD_TOKEN}`
  return [...kept, `registry=${origin}/npm/`, ...(token === undefined ? [] : [credential]), ""].join("\n")
}

function pythonVariables(origin: string, token: string | undefined): Record<string, string> {
  // uv and pip keep these credentials out of what they print and lock. A slash at its end would be two in what Pipenv asks for.
  const index = `${token === undefined ? origin : origin.replace("://", `://${US}:${encodeURIComponent(token)}@`)}/pypi/simple`
  return {
    PIP_INDEX_URL: index,
    // A person's own file may name a second index, and pip takes the highest version of all.
    PIP_CONFIG_FILE: process.platform === "win32" ? "nul" : "/dev/null",
    PIP_EXTRA_INDEX_URL: "",
    PIP_FIND_LINKS: "",
    UV_DEFAULT_INDEX: index,
    UV_INDEX_URL: "",
    UV_INDEX: "",
    UV_EXTRA_INDEX_URL: "",
    UV_FIND_LINKS: "",
    PDM_PYPI_URL: index,
    PIPENV_PYPI_MIRROR: index,
    ...(token !== undefined && {
      [`POETRY_HTTP_BASIC_${US.toUpperCase()}_USERNAME`]: US,
      [`POETRY_HTTP_BASIC_${US.toUpperCase()}_PASSWORD`]: token,
    }),
  }
}

/** No variable replaces a source (doc.rust-lang.org/cargo: source replacement): a file in Cargo's home does, and variables say the rest. */
function cargoVariables(origin: string, token: string | undefined, home: string, env: Env): Record<string, string> {
  const person = env["HOME"] ?? env["USERPROFILE"]
  // Installed programs go where the person looks for them.
  const registry = `CARGO_REGISTRIES_${US.toUpperCase()}`
  const root = env["CARGO_INSTALL_ROOT"] ?? env["CARGO_HOME"] ?? (person && join(person, ".cargo"))
  return {
    CARGO_HOME: home,
    ...(root !== undefined && { CARGO_INSTALL_ROOT: root }),
    // Cargo keeps what it downloads under the index's address, which is why no token is in it. It sends one where config.json says that
    // everybody has to. Its lockfile names no address.
    [`${registry}_INDEX`]: `sparse+${origin}/cargo/${token === undefined ? "index" : "auth"}/`,
    ...(token !== undefined && {
      [`${registry}_TOKEN`]: `Bearer ${token}`,
      [`${registry}_CREDENTIAL_PROVIDER`]: "cargo:token",
    }),
  }
}

function withToken(origin: string, token: string | undefined): string {
  return token === undefined ? origin : `${origin}/t/${token}`
}

/** The gate is asked directly, also where a proxy leads out. */
function proxyVariables(origin: string, env: Env): Record<string, string> {
  const host = new URL(origin).hostname.replace(/^\[|\]$/g, "")
  const known = (env["no_proxy"] ?? env["NO_PROXY"] ?? "").split(",").map((entry) => entry.trim())
  const all = [...new Set([...known, host])].filter((entry) => entry !== "").join(",")
  return { no_proxy: all, NO_PROXY: all, npm_config_noproxy: all }
}
