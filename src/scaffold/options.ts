// Flags to answers. Every question has a flag, so that init runs the same in a terminal, in a script and in CI.
import { EXIT, NanoguardError } from "../errors.ts"
import { AGENT_PACKAGES } from "./image.ts"
import { readInside } from "./paths.ts"
import { AGENTS, type Agent, type Answers, CIS, type Facts, PRESETS } from "./types.ts"

/** The flags of `nanoguard init`, as commander hands them over. */
export interface InitOptions {
  /** `--yes`: take the defaults for what no flag answers, and write without asking. */
  yes?: boolean
  /** `--preset solo|team|strict` */
  preset?: string
  /** `--ci github|gitlab|none` */
  ci?: string
  /** `--agents claude,codex,gemini,nanoclaw` or `none` */
  agents?: string
  /** `--instructions`, `--no-instructions`: the section for agents in AGENTS.md, CLAUDE.md, GEMINI.md. */
  instructions?: boolean
  /** `--native`, `--no-native`: the package managers' own settings. */
  native?: boolean
  /** `--gateway [url]`: point the package managers at a gate; on loopback where no address is given. */
  gateway?: string | true
  /** `--image [base]`, `--no-image`: a Containerfile for the image that agents run in; with Node and git where no base is named. */
  image?: string | boolean
  /** `--build-image`: build it, through the gate. */
  buildImage?: boolean
  /** `--engine docker|podman`: what builds it; the policy's, else the first that is here. */
  engine?: string
  /** `--dry-run`: show, write nothing. */
  dryRun?: boolean
  /** `--force`: replace files of yours that differ from the templates. Settings files are merged all the same. */
  force?: boolean
  /** `--format text|json` */
  format?: string
  /** `--color`, `--no-color` */
  color?: boolean
}

/** What the flags say. Throws EXIT.usage for a value that is not one of those offered. */
export function readFlags(options: InitOptions): Partial<Answers> {
  const flags: Partial<Answers> = {}
  if (options.preset !== undefined) flags.preset = oneOf("--preset", options.preset, PRESETS)
  if (options.ci !== undefined) flags.ci = oneOf("--ci", options.ci, [...CIS, "none"] as const)
  if (options.agents !== undefined) flags.agents = readAgents(options.agents)
  if (options.instructions !== undefined) flags.instructions = options.instructions
  if (options.native !== undefined) flags.native = options.native
  if (options.gateway !== undefined) flags.gateway = readGateway(options.gateway)
  if (options.image !== undefined) flags.image = readImage(options.image)
  return flags
}

/** What `--yes` answers, and what the prompts propose: the flags, and for the rest what fits to what was found. */
export function defaultAnswers(facts: Facts, flags: Partial<Answers>): Answers {
  const ci = flags.ci ?? facts.ci[0]?.name ?? "none"
  const agents = flags.agents ?? facts.agents.map((agent) => agent.name)
  return {
    preset: flags.preset ?? (ci === "none" ? "solo" : "team"),
    ci,
    agents,
    instructions: flags.instructions ?? agents.length > 0,
    native: flags.native ?? false,
    ...(flags.gateway !== undefined && { gateway: flags.gateway }),
    ...imageOf(agents, flags),
  }
}

/** Node, git and the certificates of authorities are in it. */
const BASE = "node:24-bookworm"

/** The image is proposed where an agent is used that comes from npm. `flags.image` is "" where none is wanted. */
export function imageOf(agents: readonly Agent[], flags: Partial<Answers>): Pick<Answers, "image"> {
  if (flags.image === "") return {}
  if (flags.image !== undefined) return { image: flags.image }
  return agents.some((agent) => agent in AGENT_PACKAGES) ? { image: BASE } : {}
}

/** The flags of `--build-image`, with the usual base where neither they nor a Containerfile below `root` say what to build. */
export async function flagsToBuild(flags: Partial<Answers>, root: string): Promise<Partial<Answers>> {
  const { CONTAINERFILE } = await import("../sandbox/image/containerfile.ts")
  return flags.image === undefined && readInside(root, CONTAINERFILE) === null ? { ...flags, image: BASE } : flags
}

/** A reference as engines take it: no option, and nothing that a Containerfile would read as more than one word. */
function readImage(value: string | boolean): string {
  if (value === false) return ""
  if (value === true) return BASE
  if (/^[A-Za-z0-9][A-Za-z0-9._:/@-]{0,300}$/.test(value)) return value
  throw usage(`--image ${value}: that is no image`, "write it as name:tag or name@sha256:...")
}

/** Where a gate listens that was started without options. */
const LOCAL_GATEWAY = "http://127.0.0.1:8471"

function readGateway(value: string | true): string {
  if (value === true) return LOCAL_GATEWAY
  const url = URL.parse(value)
  const isPlain = url !== null && url.pathname === "/" && url.search === "" && url.hash === "" && url.username === ""
  if (isPlain && /^https?:$/.test(url.protocol)) return url.origin
  throw usage(`--gateway ${value}: that is no address of a gate`, "write it as https://gate.acme.example")
}

function readAgents(value: string): Agent[] {
  if (value === "none") return []
  const names = value.split(",").map((name) => oneOf("--agents", name.trim(), [...AGENTS, "none"] as const))
  if (names.includes("none")) throw usage("--agents none stands alone")
  return AGENTS.filter((agent) => names.includes(agent))
}

function oneOf<T extends string>(flag: string, value: string, known: readonly T[]): T {
  const match = known.find((name) => name === value)
  if (match === undefined) throw usage(`${flag} ${value}: there is no such choice; it takes ${known.join(", ")}`)
  return match
}

/** A usage error of init. */
export function usage(message: string, hint = "nanoguard init --help says what each flag answers"): NanoguardError {
  return new NanoguardError(message, { exit: EXIT.usage, hint })
}
