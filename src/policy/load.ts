// Text -> CompiledPolicy. This module brings yaml along, so commands import it when they run.
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { EXIT, NanoguardError } from "../errors.ts"
import { compilePolicy } from "./compile.ts"
import type { CompiledPolicy } from "./compiled.ts"
import { checkExamples } from "./examples.ts"
import type { Layer } from "./layers.ts"
import { loadPatterns, PatternsMissingError } from "./regex.ts"
import type { PolicyDocument } from "./schema.ts"
import { hasPolicyShape } from "./shape.ts"
import { parseYaml } from "./yaml.ts"

export const POLICY_FILE = "nanoguard.yaml"
export const LOCAL_POLICY_FILE = "nanoguard.local.yaml"

export interface LayerText {
  text: string
  /** Name that errors and verdicts show; relative, never a path of the host. */
  file: string
}

export interface LoadOptions {
  /** Layers above, outermost first. */
  above?: readonly LayerText[]
  /** Leave the inline examples unchecked, for tools that report them themselves. */
  skipExamples?: boolean
}

/** Loads one policy, with the layers above it if any. Throws NanoguardError (configuration) with its place; see `parseLayer`. */
export function loadPolicy(text: string, file: string, options: LoadOptions = {}): CompiledPolicy {
  return loadLayers([...(options.above ?? []), { text, file }], options)
}

/** Loads layers, outermost first, into one policy. */
export function loadLayers(
  texts: readonly LayerText[],
  options: Pick<LoadOptions, "skipExamples"> = {},
): CompiledPolicy {
  const layers = texts.map(({ text, file }) => parseLayer(text, file))
  const policy = compilePolicy(layers)
  if (!options.skipExamples) checkExamples(policy, layers)
  return policy
}

let explainer: typeof import("./explain-shape.ts") | undefined

/** Loads what names the place and the cure of an error in a policy's shape; only policies with one need it. */
export async function loadExplainer(): Promise<void> {
  explainer ??= await import("./explain-shape.ts")
}

class UnexplainedError extends NanoguardError {
  constructor(file: string) {
    super("this is no policy", { exit: EXIT.configuration, where: { file }, hint: "see `nanoguard policy check`" })
  }
}

/** Parses and validates one file without compiling it. Errors of shape are explained once `loadExplainer` was awaited. */
export function parseLayer(text: string, file: string): Layer {
  const yaml = parseYaml(text, file)
  if (yaml.data === null) {
    throw new NanoguardError("the policy is empty", {
      exit: EXIT.configuration,
      where: { file, line: 1, column: 1 },
      hint: "it starts with `version: 1`",
    })
  }
  if (!hasPolicyShape(yaml.data)) {
    if (!explainer) throw new UnexplainedError(file)
    explainer.explainShape(yaml)
  }
  return { document: yaml.data as PolicyDocument, yaml }
}

export interface PolicyFileOptions {
  /** Directory of nanoguard.yaml. */
  directory: string
  /** A policy file instead of `directory`/nanoguard.yaml; the local layer is then left out. */
  file?: string
  /** The organisation's policy; NANOGUARD_ORG_POLICY by convention of the caller. */
  orgFile?: string
  /** Leave nanoguard.local.yaml out, as CI does. */
  skipLocal?: boolean
}

/** `loadLayers` that brings in what the texts turn out to need: an explanation of errors, regular expressions. */
export async function loadPolicyTexts(
  texts: readonly LayerText[],
  options?: Pick<LoadOptions, "skipExamples">,
): Promise<CompiledPolicy> {
  try {
    return loadLayers(texts, options)
  } catch (error) {
    if (error instanceof UnexplainedError) await loadExplainer()
    else if (error instanceof PatternsMissingError) await loadPatterns()
    else throw error
    return loadPolicyTexts(texts, options)
  }
}

/** The texts of the layers, outermost first; empty where there is neither an organisation's nor a repository's policy. */
export async function readPolicyFiles(options: PolicyFileOptions): Promise<LayerText[]> {
  const texts: LayerText[] = []
  if (options.orgFile !== undefined)
    texts.push({ text: await readNamed(options.orgFile, "the organisation's policy"), file: "org:nanoguard.yaml" })
  if (options.file !== undefined) {
    texts.push({ text: await readNamed(options.file, "the policy"), file: shownName(options.file) })
    return texts
  }
  const repo = await readIfThere(join(options.directory, POLICY_FILE))
  if (repo !== undefined) texts.push({ text: repo, file: POLICY_FILE })
  const local =
    options.skipLocal || texts.length === 0 ? undefined : await readIfThere(join(options.directory, LOCAL_POLICY_FILE))
  if (local !== undefined) texts.push({ text: local, file: LOCAL_POLICY_FILE })
  return texts
}

const shownName = (file: string) => file.split(/[\\/]/).at(-1) ?? POLICY_FILE

async function readNamed(file: string, what: string): Promise<string> {
  const text = await readIfThere(file)
  if (text === undefined)
    throw new NanoguardError(`${what} is not there`, {
      exit: EXIT.configuration,
      where: { file: shownName(file) },
      hint: "it is read from the path that --policy or NANOGUARD_ORG_POLICY names, seen from the current directory",
    })
  return text
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(readFileSync(file))
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    // An empty directory is what stands there while a box runs, so that none is written: no policy either.
    if (code === "ENOENT" || (code === "EISDIR" && readdirSync(file).length === 0)) return undefined
    const why =
      code === "ERR_ENCODING_INVALID_ENCODED_DATA" ? "is not UTF-8 text" : `cannot be read (${code ?? "unknown"})`
    throw new NanoguardError(`the policy ${why}`, {
      exit: EXIT.configuration,
      where: { file: shownName(file) },
      cause: error,
    })
  }
}
