// Service units that start a gate: templates of systemd and launchd, filled in for this installation and this person.
import { realpathSync } from "node:fs"
import { dirname, isAbsolute, join, resolve } from "node:path"
import type { Context } from "../context.ts"
import { EXIT, NanoguardError } from "../errors.ts"
import { stateHome } from "../home.ts"
import { cacheDirectory } from "../packages/registries/cache.ts"
import { readTemplate } from "../scaffold/templates.ts"

export type UnitKind = "systemd" | "launchd"

/** What goes into a unit: every path absolute. */
export interface UnitParts {
  command: readonly string[]
  /** The working directory. */
  project: string
  environment: Readonly<Record<string, string>>
  /** Directories that the gate writes to. */
  writable: readonly string[]
}

/** The options of `gateway start` that a unit repeats. */
export interface UnitOptions {
  host?: string
  port?: string
  origin?: string
  tlsKey?: string
  tlsCert?: string
  requireToken?: boolean
  project?: string
  name?: string
  offline?: boolean
  stale?: string
  wait?: string
}

/** Where nanoguard keeps its things, and who it says runs the agents: nothing else of an environment belongs into a file. */
const VARIABLES = [
  "NANOGUARD_HOME",
  "NANOGUARD_OPERATOR",
  "XDG_STATE_HOME",
  "XDG_DATA_HOME",
  "XDG_CACHE_HOME",
  "XDG_CONFIG_HOME",
]

/** The unit that starts a gate as this command line would. Throws `NanoguardError` where a path has a character that no unit can carry. */
export function renderUnit(ctx: Pick<Context, "cwd" | "env">, kind: UnitKind, options: UnitOptions): string {
  const cache = cacheDirectory(ctx)
  const environment = VARIABLES.flatMap((name): [string, string][] => (ctx.env[name] ? [[name, ctx.env[name]]] : []))
  return fillUnit(kind, {
    command: [process.execPath, realpathSync(process.argv[1]!), "gateway", "start", ...wordsOf(ctx, options)],
    project: ctx.cwd,
    environment: Object.fromEntries(environment),
    writable: [stateHome(ctx), ...(cache === undefined ? [] : [dirname(cache)])],
  })
}

function wordsOf(ctx: Pick<Context, "cwd">, options: UnitOptions): string[] {
  const { host, port, origin, name, stale, wait, project } = options
  const path = (file: string | undefined) => file && resolve(ctx.cwd, file)
  // A project is a directory or a name, which only the former begins like a path.
  const named = project?.startsWith(".") || isAbsolute(project ?? "") ? path(project) : project
  const values = {
    host,
    port,
    origin,
    name,
    stale,
    wait,
    project: named,
    "tls-key": path(options.tlsKey),
    "tls-cert": path(options.tlsCert),
  }
  return [
    ...Object.entries(values).flatMap(([option, value]) => (value === undefined ? [] : [`--${option}`, value])),
    ...(options.requireToken ? ["--require-token"] : []),
    ...(options.offline ? ["--offline"] : []),
  ]
}

/** Fills a template in. Pure but for reading it. Throws `NanoguardError` for a line break or another control character in any part. */
export function fillUnit(kind: UnitKind, parts: UnitParts): string {
  const { command, project, environment, writable } = parts
  for (const text of [...command, project, ...Object.values(environment), ...writable]) checkText(text)
  return kind === "systemd" ? fillSystemd(parts) : fillLaunchd(parts)
}

function checkText(text: string): void {
  if (!/[\p{Cc}\p{Cs}\u2028\u2029\ufffe\uffff]/u.test(text)) return
  throw new NanoguardError("a path or setting has a control character, which no unit can carry", {
    exit: EXIT.usage,
    hint: "rename the directory, or unset the variable",
  })
}

/** systemd.syntax(7), systemd.service(5): quoted words with C escapes, `%` doubled, and `$` doubled in command lines. */
function fillSystemd({ command, project, environment, writable }: UnitParts): string {
  const word = (text: string) => `"${text.replace(/["\\]/g, "\\$&").replaceAll("%", "%%")}"`
  return readTemplate("systemd/nanoguard-gateway.service", {
    command: command.map((text) => word(text).replaceAll("$", "$$$$")).join(" "),
    // Takes the rest of its line as it is, without quotes.
    project: project.replaceAll("%", "%%"),
    environment: Object.entries(environment)
      .map(([name, value]) => `Environment=${word(`${name}=${value}`)}`)
      .join("\n"),
    writable: writable.map(word).join(" "),
    directories: writable.map((path) => `'${path.replaceAll("'", "'\\''")}'`).join(" "),
  })
}

/** launchd.plist(5): a property list. */
function fillLaunchd({ command, project, environment, writable }: UnitParts): string {
  const encode = (text: string) => text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`)
  const string = (text: string) => `    <string>${encode(text)}</string>`
  return readTemplate("launchd/nanoguard-gateway.plist", {
    command: command.map(string).join("\n"),
    project: encode(project),
    environment: Object.entries(environment)
      .map(([name, value]) => `    <key>${encode(name)}</key>\n${string(value)}`)
      .join("\n"),
    log: encode(join(writable[0] ?? project, "gateway.log")),
  })
}
