// What is set in a box: everything leads to the relay on the box's own loopback, and nothing of the person's comes along.
import { join, relative } from "node:path"
import { egressSettings, type PlaceholderVariable } from "../gateway/egress-settings.ts"
import { clientSettings } from "../gateway/settings.ts"
import { javaSettings } from "./java.ts"
import { IN_BOX } from "./types.ts"

export interface BoxSettingsInput {
  run: string
  /** The run's CA, PEM. */
  certificate: string
  placeholders: readonly PlaceholderVariable[]
  /** Hosts of git repositories whose ssh addresses are rewritten, beside the known forges. */
  gitHosts: readonly GitHost[]
}

export interface GitHost {
  host: string
  /** Of its https where that is not 443. */
  port?: number
  /** The credential that its rules name. */
  credential?: string
}

export interface BoxSettings {
  env: Record<string, string>
  /** Paths are below the directory that is mounted at `IN_BOX.nanoguard`; what is below `home/` is put into the box's home by the relay. */
  files: { path: string; text: string | Uint8Array }[]
  notes: string[]
}

const FORGES = ["github.com", "gitlab.com", "bitbucket.org", "codeberg.org"]
/** The user beside a token, and the variable of its placeholder, at forges whose tokens are known by shape. */
const FORGE_TOKENS: Readonly<Record<string, [user: string, variable: string]>> = {
  "github.com": ["x-access-token", "GITHUB_TOKEN"],
  "gitlab.com": ["oauth2", "GITLAB_TOKEN"],
}
const ORIGIN = `http://127.0.0.1:${IN_BOX.port}`
const LOOPBACK = "localhost,127.0.0.1,::1"

/** Variables and files of a box. The variables are all but those of the terminal, and `PATH`, which is the image's. */
export function boxSettings({ run, certificate, placeholders, gitHosts }: BoxSettingsInput): BoxSettings {
  const directory = IN_BOX.nanoguard
  const clients = clientSettings({ base: ORIGIN, directory, env: { HOME: IN_BOX.home } })
  const egress = egressSettings({ base: ORIGIN, directory, certificate, placeholders })
  const java = javaSettings(certificate)
  const cargo = join(IN_BOX.home, ".cargo")
  const env: Record<string, string> = {
    ...clients.env,
    ...egress.env,
    ...{
      HOME: IN_BOX.home,
      USER: "agent",
      LOGNAME: "agent",
      NANOGUARD_RUN: run,
      IS_SANDBOX: "1",
      SANDBOX: "nanoguard",
    },
    ...{ no_proxy: LOOPBACK, NO_PROXY: LOOPBACK, npm_config_noproxy: LOOPBACK },
    ...{ CARGO_HOME: cargo, CARGO_INSTALL_ROOT: cargo },
    ...{ npm_config_update_notifier: "false", NO_UPDATE_NOTIFIER: "1", PIP_DISABLE_PIP_VERSION_CHECK: "1" },
    // What an agent does besides its work would be refused, and fill the record.
    ...{ DISABLE_AUTOUPDATER: "1", CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1" },
    CLAUDE_CODE_DISABLE_OFFICIAL_MARKETPLACE_AUTOINSTALL: "1",
    ...java.env,
    ...gitVariables(gitHosts, placeholders),
  }
  // The relay sets it for the command: it would double the time that the relay itself takes to start.
  delete env["NODE_USE_ENV_PROXY"]
  // A box has no file of a person's that these would keep away, and settings that an agent writes are to have somewhere to go.
  for (const name of ["npm_config_userconfig", "NPM_CONFIG_USERCONFIG"]) delete env[name]
  const config = clients.files.find(({ path }) => path.endsWith("config.toml"))
  return {
    env,
    files: [
      ...egress.files.map(({ path, text }) => ({ path: relative(directory, path), text })),
      ...java.files,
      ...(config ? [{ path: join("home", ".cargo", "config.toml"), text: config.text }] : []),
    ],
    notes: [...clients.notes, ...egress.notes.filter((note) => !note.startsWith("Java"))],
  }
}

/** Git's configuration by variables (git-config(1), ENVIRONMENT): no file that an agent could change, and none of the person's. */
function gitVariables(hosts: readonly GitHost[], placeholders: readonly PlaceholderVariable[]): Record<string, string> {
  const own = hosts.filter(({ host }) => !FORGES.includes(host))
  const entries = [...FORGES.map((host): GitHost => ({ host })), ...own].flatMap((one): [string, string][] => {
    const { host, port } = one
    const address = `https://${port === undefined ? host : `${host}:${port}`}`
    const helper = helperOf(one, placeholders)
    return [
      ...[`git@${host}:`, `ssh://git@${host}/`, `ssh://${host}/`, `git://${host}/`].map((from): [string, string] => [
        `url.${address}/.insteadOf`,
        from,
      ]),
      ...(helper === undefined ? [] : [[`credential.${address}.helper`, helper] as [string, string]]),
    ]
  })
  const all: [string, string][] = [["safe.directory", IN_BOX.workspace], ["credential.helper", ""], ...entries]
  return {
    GIT_TERMINAL_PROMPT: "0",
    GIT_CONFIG_COUNT: String(all.length),
    ...Object.fromEntries(
      all.flatMap(([key, value], i) => [
        [`GIT_CONFIG_KEY_${i}`, key],
        [`GIT_CONFIG_VALUE_${i}`, value],
      ]),
    ),
  }
}

/** A helper that names the placeholder, where there is one: asked only where a host wants somebody to be named. The gate names the user that the key wants. */
function helperOf({ host, credential }: GitHost, placeholders: readonly PlaceholderVariable[]): string | undefined {
  const [user, wanted] = Object.hasOwn(FORGE_TOKENS, host) ? FORGE_TOKENS[host]! : ["git", undefined]
  const names = placeholders.flatMap((one) => (wanted !== undefined || one.credential === credential ? one.names : []))
  const variable = wanted === undefined ? names[0] : names.find((name) => name === wanted)
  if (variable === undefined || !/^[A-Za-z_]\w{0,99}$/.test(variable)) return undefined
  return `!f() { test "$1" = get && printf 'username=%s\\npassword=%s\\n' ${user} "$${variable}"; }; f`
}
