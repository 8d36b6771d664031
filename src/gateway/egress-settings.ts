// What leads a process's requests through the gate: the proxy, the run's own CA in every ecosystem's variable, and placeholders for keys.
import { join } from "node:path"
import { rootCertificates } from "node:tls"
import type { OpenedRun } from "./control.ts"
import type { ClientSettings } from "./settings.ts"

/** A placeholder, and the variables that programs look for it in. */
export interface PlaceholderVariable {
  credential: string
  value: string
  names: readonly string[]
}

export interface EgressSettingsInput {
  /** The gate's own address: scheme, host and port. */
  base: string
  /** Who asks, where the gate does not know by the socket. */
  token?: string
  /** The run's CA, PEM. It is worth nothing to any other run. */
  certificate: string
  /** Absolute: where the certificates lie while the variables are in force. One for each run. */
  directory: string
  placeholders: readonly PlaceholderVariable[]
}

/**
 * Adds what leads everything else through the gate, where its policy says something about requests, or where that is wanted; what clients
 * of registries are told stays in force. Certificates lie in a directory of the run's own.
 */
export function withEgress(
  settings: ClientSettings,
  { origin, token, run, egress }: Pick<OpenedRun, "origin" | "token" | "run" | "egress">,
  directory: string,
  wanted: boolean | undefined,
): ClientSettings {
  if (egress === undefined || (wanted ?? egress.ruled) === false) return settings
  const { certificate, placeholders } = egress
  const own = { base: origin, token, certificate, placeholders, directory: join(directory, "runs", run) }
  const { env, files, notes } = egressSettings(own)
  return {
    env: { ...settings.env, ...env },
    files: [...settings.files, ...files],
    notes: [...settings.notes, ...notes],
  }
}

/** Variables by which programs are told what to trust besides, or instead of, what they bring. All of them want a file. */
const BUNDLES = [
  // OpenSSL, Go, Python's ssl, uv and most that use rustls with the system's roots.
  "SSL_CERT_FILE",
  "REQUESTS_CA_BUNDLE",
  "CURL_CA_BUNDLE",
  "GIT_SSL_CAINFO",
  "AWS_CA_BUNDLE",
  "PIP_CERT",
  "CARGO_HTTP_CAINFO",
  "npm_config_cafile",
  "NPM_CONFIG_CAFILE",
  "YARN_HTTPS_CA_FILE_PATH",
  "DENO_CERT",
  "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",
  "CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE",
  "BUNDLE_SSL_CA_CERT",
  "HEX_CACERTS_PATH",
  "NIX_SSL_CERT_FILE",
] as const

/** Programs that cannot be told by a variable. */
const NOTES = [
  "Node programs that make connections by an agent of their own (AWS's SDK, ws) want that agent to be made for the proxy: new https.Agent({ proxyEnv: process.env }).",
  "Java reads no such variables, and can be given a proxy but no token for it: run it in a box (nanoguard run), where all is set.",
]

/** The variables and files. They lead a willing process: without a box, one that ignores them goes its own way. */
export function egressSettings(input: EgressSettingsInput): ClientSettings {
  const { base, token, certificate, directory, placeholders } = input
  const url = new URL(base)
  const proxy = `${url.protocol}//${token === undefined ? "" : `nanoguard:${token}@`}${url.host}`
  const own = join(directory, "ca.pem")
  const bundle = join(directory, "roots.pem")
  const wgetrc = join(directory, "wgetrc")
  const hosts = [url.hostname.replace(/^\[|\]$/g, "")].join(",")
  return {
    env: {
      ...both("https_proxy", proxy),
      ...both("http_proxy", proxy),
      ...both("all_proxy", ""),
      // The gate itself is asked directly; nothing else is.
      ...both("no_proxy", hosts),
      npm_config_noproxy: hosts,
      // Node's own fetch reads the others only where it is told to.
      NODE_USE_ENV_PROXY: "1",
      NODE_EXTRA_CA_CERTS: own,
      ...Object.fromEntries(BUNDLES.map((name) => [name, bundle])),
      // Git would ask without the token first, and once more after the 407.
      ...(token !== undefined && { GIT_HTTP_PROXY_AUTHMETHOD: "basic" }),
      // Wget reads no variable for certificates. The machine's own file counts beside it, a person's does not.
      WGETRC: wgetrc,
      ...awsPair(placeholders),
      ...Object.fromEntries(placeholders.flatMap(({ names, value }) => names.map((name) => [name, value]))),
    },
    files: [
      { path: own, text: certificate },
      { path: bundle, text: `${rootCertificates.join("\n")}\n${certificate}` },
      { path: wgetrc, text: `ca_certificate = ${bundle}\n` },
    ],
    notes: NOTES,
  }
}

/** AWS's programs want key id and secret each by itself: of several credentials, those of the first. */
function awsPair(placeholders: readonly PlaceholderVariable[]): Record<string, string> {
  const pairs = placeholders.flatMap(({ value }) => /^(A[KS]IA[A-Z2-7]{16}):([A-Za-z0-9+/]{40})$/.exec(value) ?? [])
  const [, id, secret] = pairs
  return id === undefined || secret === undefined ? {} : { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret }
}

const both = (name: string, value: string) => ({ [name]: value, [name.toUpperCase()]: value })

/** What programs call the key of a known service, by the shape of its placeholder. */
const VARIABLES: Readonly<Record<string, readonly string[]>> = {
  github: ["GITHUB_TOKEN", "GH_TOKEN"],
  gitlab: ["GITLAB_TOKEN"],
  anthropic: ["ANTHROPIC_API_KEY"],
  "anthropic-oauth": ["CLAUDE_CODE_OAUTH_TOKEN"],
  openai: ["OPENAI_API_KEY"],
  google: ["GEMINI_API_KEY"],
  npm: ["NPM_TOKEN"],
  slack: ["SLACK_BOT_TOKEN"],
  stripe: ["STRIPE_API_KEY"],
  linear: ["LINEAR_API_KEY"],
}

/** The variables that carry a credential's placeholder: those that it names, else its shape's, else one of its own name. */
export function variablesOf({ name, shape, env }: { name: string; shape: string; env?: readonly string[] }): string[] {
  if (env !== undefined) return [...env]
  const known = Object.hasOwn(VARIABLES, shape) ? VARIABLES[shape] : undefined
  return [
    ...(known ?? [
      name
        .toUpperCase()
        .replace(/[^A-Z0-9]+/g, "_")
        .replace(/^(\d)/, "_$1"),
    ]),
  ]
}
