// What a package manager gets to know of this machine: where programs, caches and registries are, and nothing else.
import { delimiter, isAbsolute } from "node:path"
import type { Context } from "../../context.ts"
import { isInside } from "./copy.ts"

const KEPT = new Set([
  ...["HOME", "USERPROFILE", "APPDATA", "LOCALAPPDATA", "SystemRoot", "TMPDIR", "TEMP", "TMP", "LANG", "LC_ALL"],
  ...["XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"],
  ...["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR", "NODE_EXTRA_CA_CERTS"],
  ...["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO", "COREPACK_HOME", "COREPACK_NPM_REGISTRY"],
  ...["CARGO_HOME", "RUSTUP_HOME", "GOPATH", "GOCACHE", "GOMODCACHE", "GOENV", "GOROOT"],
  ...["GOPROXY", "GOPRIVATE", "GONOPROXY", "GONOSUMDB", "GOSUMDB", "GOINSECURE", "PYENV_ROOT", "PYENV_VERSION"],
])
const KEPT_PATTERNS = [
  /^npm_config_(registry|@.+:registry|\/\/.+|https?_proxy|proxy|noproxy|ca|cafile|strict_ssl|userconfig|globalconfig|cache)$/i,
  /^YARN_(NPM_REGISTRY_SERVER|NPM_AUTH_TOKEN|NPM_AUTH_IDENT|HTTPS?_PROXY|HTTPS_CA_FILE_PATH|GLOBAL_FOLDER|CACHE_FOLDER)$/,
  /^BUN_(INSTALL_CACHE_DIR|CONFIG_REGISTRY|CONFIG_TOKEN)$/,
  /^(UV_(DEFAULT_INDEX|INDEX|INDEX_.+|EXTRA_INDEX_URL|NATIVE_TLS|SYSTEM_CERTS|CACHE_DIR)|PIP_(INDEX_URL|EXTRA_INDEX_URL|CERT|CACHE_DIR|PROXY))$/,
  /^(POETRY_(REPOSITORIES|HTTP_BASIC|PYPI_TOKEN|CACHE_DIR).*|PDM_(PYPI_.+|CACHE_DIR)|PIPENV_(PYPI_MIRROR|CACHE_DIR))$/,
  /^CARGO_(REGISTR(Y|IES)_.*(INDEX|TOKEN)|HTTP_.+|NET_.+)$/,
]

/** Switches off what runs code of the repository or of packages, asks questions, or replaces the manager by another one. */
const FIXED = {
  CI: undefined,
  NO_COLOR: "1",
  COREPACK_ENABLE_STRICT: "0",
  COREPACK_ENABLE_DOWNLOAD_PROMPT: "0",
  COREPACK_ENABLE_UNSAFE_CUSTOM_URLS: "0",
  // A `.corepack.env` of the project says where Corepack takes a manager from, and whether its signature counts.
  COREPACK_ENV_FILE: "0",
  npm_config_ignore_scripts: "true",
  npm_config_update_notifier: "false",
  npm_config_manage_package_manager_versions: "false",
  npm_config_package_manager_strict: "false",
  pnpm_config_manage_package_manager_versions: "false",
  pnpm_config_pm_on_fail: "ignore",
  YARN_ENABLE_SCRIPTS: "false",
  YARN_IGNORE_PATH: "1",
  YARN_ENABLE_CONSTRAINTS_CHECKS: "false",
  YARN_ENABLE_IMMUTABLE_INSTALLS: "false",
  YARN_ENABLE_TELEMETRY: "0",
  YARN_ENABLE_PROGRESS_BARS: "false",
  PIPENV_DONT_LOAD_ENV: "1",
  PIPENV_VENV_IN_PROJECT: "1",
  PIPENV_NOSPIN: "1",
  PIP_ONLY_BINARY: ":all:",
  PIP_NO_INPUT: "1",
  PDM_CHECK_UPDATE: "false",
  POETRY_NO_INTERACTION: "1",
  UV_PYTHON_DOWNLOADS: "never",
  UV_NO_PROGRESS: "1",
  RUSTC: "rustc",
  RUSTC_WRAPPER: "",
  RUSTC_WORKSPACE_WRAPPER: "",
  CARGO_TERM_COLOR: "never",
  GOFLAGS: "-mod=mod",
  GOTOOLCHAIN: "local",
  GOWORK: "off",
  GIT_TERMINAL_PROMPT: "0",
} satisfies Record<string, string | undefined>

/**
 * The environment for a package manager that works on a copy of `root`. Directories below `root` leave PATH: `npx` puts the
 * project's own node_modules/.bin there, whose programs the project chose.
 */
export function managerEnvironment(env: Context["env"], root: string): Record<string, string | undefined> {
  const result: Record<string, string | undefined> = {}
  for (const [name, value] of Object.entries(env)) {
    if (KEPT.has(name) || KEPT.has(name.toUpperCase()) || KEPT_PATTERNS.some((pattern) => pattern.test(name)))
      result[name] = value
  }
  const path = (env["PATH"] ?? "").split(delimiter)
  const safe = path.filter((directory) => isAbsolute(directory) && !isInside(root, directory))
  return { ...result, PATH: safe.join(delimiter), ...FIXED }
}
