// What names mean in a workspace: what is a secret, what would run on the host, what is heavy and made anew. Compared in lower
// case throughout: on a file system that folds case `.ENV` is `.env`.

/** Names that are secret whatever they hold. */
const SECRET =
  /^(\.env(\..+)?|\.envrc\.local|\.netrc|_netrc|\.pgpass|\.my\.cnf|\.vault-token|\.htpasswd|\.git-credentials|id_(rsa|dsa|ecdsa|ed25519)(_sk)?|.+\.(p12|pfx|jks|keystore|kdbx|ppk)|.*\.tfstate(\.backup)?|.+\.tfvars(\.json)?|kubeconfig|credentials\.tfrc\.json|application_default_credentials\.json|\.terraformrc|auth\.json\.gpg)$/
const EXAMPLE = /(\.|-|_)(example|sample|template|tmpl|dist|defaults?|schema)$/

/** Names that are secret where they hold one: how the content is judged (`secrets.ts`). */
const SUSPECT: readonly (readonly [RegExp, SecretKind])[] = [
  [/\.(pem|key)$/, "private-key"],
  [/^\.npmrc$|^\.yarnrc(\.yml)?$|^\.pypirc$|^pip\.conf$|^\.condarc$|^\.bunfig\.toml$|^bunfig\.toml$/, "token"],
  [/^(nuget\.config|settings\.xml|auth\.json|gradle\.properties|credentials(\.toml|\.json)?|config\.json)$/, "token"],
  [
    /(service[-_]?account|credential|firebase|gcp|gcloud|google|client[-_]secret).*\.json$|-[0-9a-f]{12}\.json$/,
    "account",
  ],
]

/** Directories that are secret whole, wherever they lie. */
const SECRET_DIRECTORIES = new Set([".ssh", ".aws", ".gnupg", ".kube", ".azure", ".gcloud", ".password-store"])
const SECRET_PATHS = [
  ".docker/config.json",
  ".config/gh",
  ".config/gcloud",
  ".cargo/credentials",
  ".cargo/credentials.toml",
]

export type SecretKind = "private-key" | "token" | "account"

/** Whether a path (relative, forward slashes) is a secret by its name: `true`, or what has to be found in it. */
export function secretByName(path: string, directory: boolean): true | SecretKind | undefined {
  const lower = path.toLowerCase()
  const name = lower.slice(lower.lastIndexOf("/") + 1)
  if (SECRET_PATHS.some((secret) => lower === secret || lower.endsWith(`/${secret}`))) return true
  if (directory) return SECRET_DIRECTORIES.has(name) || undefined
  if (SECRET.test(name)) return !EXAMPLE.test(name) || undefined
  return SUSPECT.find(([pattern]) => pattern.test(name))?.[1]
}

/**
 * List one, at the top of the workspace, there or not: editors, agents and shells run what lies in them without being asked.
 * `.git` has its own way (`git-directory.ts`).
 */
export const NEVER_AT_TOP: readonly string[] = [
  ...[".vscode", ".idea", ".devcontainer", ".zed", ".fleet"],
  ...[".claude", ".codex", ".cursor", ".gemini", ".opencode", ".windsurf", ".mcp.json", "opencode.json"],
  ...[".envrc", ".mise", ".mise.toml", "mise.toml", ".tool-versions", ".direnv"],
  ...[".exrc", ".nvim.lua", ".vimrc", ".dir-locals.el", ".gdbinit", ".lldbinit"],
  ...["nanoguard.yaml", "nanoguard.local.yaml", ".nanoguard"],
]

// Anywhere, where they are there: a nested one cannot be forbidden before it is made (its directory can be moved away).
const NEVER =
  /^(\.vscode|\.idea|\.devcontainer(\.json)?|\.zed|\.fleet|\.claude|\.claude\.json|\.codex|\.cursor|\.gemini|\.opencode|opencode\.jsonc?|\.windsurf|\.mcp\.json|\.envrc|\.mise|\.?mise(\.[\w-]+)*\.toml|\.tool-versions|\.direnv|\.exrc|\.nvim\.lua|\.nvimrc|\.vimrc|\.dir-locals(-2)?\.el|\.gdbinit|\.lldbinit|\.husky|\.githooks|\.bash(rc|_profile|_login|_logout|_aliases)|\.profile|\.z(shrc|shenv|profile|login|logout)|\.inputrc|\.gitconfig|[\w.-]*\.code-workspace|\.nanoguard|nanoguard[\w.-]*\.ya?ml)$/

/** Whether something of this name is in list one wherever it lies. */
export function neverWritten(name: string): boolean {
  return NEVER.test(name.toLowerCase())
}

// List two: what on the host runs it, or obeys it.
const WORKING: readonly (readonly [RegExp, string])[] = [
  [/^(package\.json|package\.ya?ml)$/, "npm scripts"],
  [/^(\.npmrc|\.yarnrc(\.yml)?|\.pnpmfile\.c?js|pnpm-workspace\.yaml|bunfig\.toml|\.yarn)$/, "package manager"],
  [
    /^((gnu)?makefile|.*\.mk|justfile|\.justfile|taskfile(\.dist)?\.ya?ml|rakefile|gruntfile\..*|gulpfile\..*|cmakelists\.txt|configure|meson\.build|build\.zig|sconstruct|dodo\.py|noxfile\.py|tox\.ini|fabfile\.py|tasks\.py)$/,
    "build",
  ],
  [
    /^(setup\.py|setup\.cfg|pyproject\.toml|conftest\.py|sitecustomize\.py|usercustomize\.py|.*\.pth|manage\.py|pip\.conf)$/,
    "python",
  ],
  [/^(build\.rs|cargo\.toml|rust-toolchain(\.toml)?|\.cargo)$/, "cargo"],
  [/^(build|settings|init)\.gradle(\.kts)?$|^(gradlew|mvnw)(\.bat|\.cmd)?$|^pom\.xml$|^build\.xml$/, "build"],
  [
    /^(\w+\.config\.([cm]?[jt]s|json)|\.\w+rc\.[cm]?js|vitest\.\w+\.[cm]?ts|\.eslintrc(\..*)?|\.babelrc(\..*)?|karma\.conf\.js)$/,
    "javascript tools",
  ],
  [
    /^(\.gitlab-ci\.ya?ml|jenkinsfile|\.travis\.ya?ml|azure-pipelines\.ya?ml|bitbucket-pipelines\.ya?ml|\.drone\.ya?ml|appveyor\.ya?ml|action\.ya?ml)$/,
    "continuous integration",
  ],
  [
    /^(claude(\.local)?|agents(\.override)?|gemini|copilot-instructions)\.md$|^\.(cursorrules|windsurfrules|clinerules|aider\.conf\.yml)$/,
    "agents' instructions",
  ],
  [/^(\.gitattributes|\.gitmodules)$/, "git"],
  [/^(\.pre-commit-(config|hooks)\.ya?ml|lefthook\.ya?ml|\.lefthook\.ya?ml|\.lintstagedrc(\..*)?)$/, "git hooks"],
  [
    /^((.*\.)?(dockerfile|containerfile)(\..*)?|(docker-)?compose(\..*)?\.ya?ml|vagrantfile|procfile|tiltfile|skaffold\.ya?ml)$/,
    "containers",
  ],
  [
    /^(gemfile|.*\.gemspec|composer\.json|mix\.exs|deno\.jsonc?|\.bazelrc|build(\.bazel)?|workspace(\.bazel)?|module\.bazel|flake\.nix|shell\.nix|default\.nix)$/,
    "build",
  ],
]
const WORKING_DIRECTORIES: readonly (readonly [RegExp, string])[] = [
  [/(^|\/)\.(github|circleci|woodpecker|buildkite|gitea|forgejo)\//, "continuous integration"],
  [/(^|\/)\.cargo\//, "cargo"],
  [/(^|\/)\.yarn\//, "package manager"],
]

/** What on the host runs or obeys a file of this path (list two); undefined for any other. */
export function runsOnHost(path: string): string | undefined {
  const lower = path.toLowerCase()
  const name = lower.slice(lower.lastIndexOf("/") + 1)
  return (
    WORKING.find(([pattern]) => pattern.test(name))?.[1] ??
    WORKING_DIRECTORIES.find(([pattern]) => pattern.test(lower))?.[1]
  )
}

const HEAVY = new Set([
  ...["node_modules", ".venv", "venv", "__pycache__", ".tox", ".nox", ".mypy_cache", ".pytest_cache", ".ruff_cache"],
  ...[
    ".gradle",
    ".next",
    ".nuxt",
    ".svelte-kit",
    ".turbo",
    ".parcel-cache",
    ".terraform",
    ".pnpm-store",
    ".cache",
    ".eggs",
  ],
])

/** Directories that tools make anew from lockfiles and sources: a copy goes without them, and nothing of them comes back. */
export function isHeavy(name: string): boolean {
  return HEAVY.has(name.toLowerCase())
}
