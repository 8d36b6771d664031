// What `nanoguard secret set` is asked to make: options in, a credential without its value out.
import type { Context } from "../context.ts"
import { EXIT } from "../errors.ts"
import { NAME } from "../policy/names.ts"
import { checkDraft, type Draft } from "../vault/credential.ts"
import { vaultError } from "../vault/errors.ts"
import { findPreset, type PresetName } from "../vault/presets.ts"
import { guessShape, SHAPES } from "../vault/shapes.ts"
import { parseSlot, parseSource } from "../vault/slot-text.ts"
import type { Reach, Source } from "../vault/types.ts"

/** What the credential may be used for, where it stands and where it comes from. */
export interface DraftOptions {
  for?: PresetName
  host?: string[]
  method?: string[]
  path?: string[]
  agent?: string[]
  slot?: string
  from?: string
  shape?: string
  env?: string[]
}

/** The credential that the options describe. Errors: usage. */
export async function readDraft(ctx: Pick<Context, "cwd">, name: string, options: DraftOptions): Promise<Draft> {
  const preset = options.for === undefined ? undefined : await findPreset(options.for)
  const hosts = options.host ?? preset?.reach.hosts
  if (!hosts) throw vaultError("where may it go?", "add --host <host>, or --for <service>", EXIT.usage)
  const slot = options.slot === undefined ? preset?.slot : parseSlot(options.slot)
  if (!slot)
    throw vaultError(
      "the slot is missing: where in a request does the key stand?",
      "add --slot bearer, --slot header:<name> and so on",
      EXIT.usage,
    )
  const { method, path, agent, shape } = options
  if (shape !== undefined && !Object.hasOwn(SHAPES, shape))
    throw vaultError("there is no such shape", Object.keys(SHAPES).join(", "), EXIT.usage)
  const paths = path ?? preset?.reach.paths
  const reach: Reach = {
    hosts,
    ...(method && { methods: method.map((one) => one.toUpperCase()) }),
    ...{ ...(paths && { paths }), ...(agent && { agents: agent }) },
  }
  const source: Source = options.from === undefined ? { from: "value" } : parseSource(options.from, ctx.cwd)
  const env = options.env ?? preset?.env ?? []
  const draft: Draft = {
    name,
    reach,
    slot,
    source,
    shape: shape ?? preset?.shape ?? "plain",
    ...(env.length > 0 && { env }),
  }
  const wrong = checkDraft(draft)
  if (wrong === undefined) return draft
  throw vaultError(`this cannot be a credential (${wrong})`, "nanoguard secret set --help", EXIT.usage)
}

/** The error says nothing of what it was given: it may be the value itself. */
export function refuseValues(name: string, more: readonly string[]): void {
  const hint = "type the value at the prompt, pipe it in with --stdin, or name its file with --file"
  if (more.length > 0)
    throw vaultError(
      "a value does not belong on a command line: other processes and the shell's history see it",
      hint,
      EXIT.usage,
    )
  if (!NAME.test(name)) throw vaultError("this is no name of a credential", "letters, digits and . _ @ / -", EXIT.usage)
  if (guessShape(name) !== "plain")
    throw vaultError("this name looks like a value", `give it a name, such as github; ${hint}`, EXIT.usage)
}
