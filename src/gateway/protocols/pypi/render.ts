// The client's answer: our own addresses, validated values, and fixed sentences. No text that somebody uploaded is in it.
import { isPlainName, isPlainVersion } from "../../../packages/commands.ts"
import { plainText } from "../../../policy/text.ts"
import type { Client, FrontRequest, Plan, Rendered, Withheld } from "../../types.ts"
import { CONTENT_TYPES, type Form } from "./accept.ts"
import type { Hash, Project, ProjectFile } from "./types.ts"

/** A file as it is shown, with our address of it. */
interface Shown {
  file: ProjectFile
  url: string
  /** PEP 592: false, true, or why. */
  yanked: boolean | string
}

/** The project's page in the form that was asked for. Versions that are listed are yanked: installers skip them unless one is pinned, and then meet the refusal. */
export function renderProject(project: Project, request: FrontRequest & { kind: "listing" }, plan: Plan): Rendered {
  const reasons = new Map<string, string>()
  const shown: Shown[] = []
  for (const file of project.files) {
    const refused = plan.withheld.get(file.version)
    if (refused?.presentation === "withheld") continue
    shown.push(refused === undefined ? served(project, file, plan) : listed(project, file, plan, refused, reasons))
  }
  const form: Form = request.form === "json" || request.form === "html" ? request.form : "text"
  return {
    contentType: CONTENT_TYPES[form],
    body: form === "json" ? renderJson(project, shown, plan) : renderHtml(project, shown),
    headers: { vary: "Accept" },
  }
}

function served({ name }: Project, file: ProjectFile, { base }: Plan): Shown {
  return { file, url: `${base}/files/${name}/${encodeURIComponent(file.filename)}`, yanked: file.yanked }
}

function listed(
  project: Project,
  file: ProjectFile,
  plan: Plan,
  refused: Withheld,
  reasons: Map<string, string>,
): Shown {
  let reason = reasons.get(file.version)
  if (reason === undefined) {
    reason = yankReason(project.name, file.version, refused, plan)
    reasons.set(file.version, reason)
  }
  const url = plan.base + plan.blockedPath(project.name, file.version, file.filename)
  // Its metadata is refused like itself: the installer meets the refusal at the file, where it shows it.
  const { metadata: _left, ...rest } = file
  return { file: rest, url, yanked: reason }
}

/** The whole refusal in a line: uv and Poetry print it where a dependency of a dependency is pinned, and never ask for the file. */
function yankReason(name: string, version: string, { verdict }: Withheld, { replacement, client }: Plan): string {
  const { code, effect, reason } = verdict
  const state = effect === "ask" ? "waits for approval" : "refused by policy"
  const why = /[.!?]$/.test(reason) ? reason : `${reason}.`
  return plainText(`${name} ${version} ${state}: ${code}. ${why} ${useOf(name, replacement, client)}`, 400)
}

const COMMANDS: Partial<Record<Client, string>> = { uv: "uv add", poetry: "poetry add", pdm: "pdm add" }

function useOf(name: string, replacement: string | undefined, client: Client): string {
  if (replacement === undefined) return "No version is approved."
  const target = `${name}==${replacement}`
  if (!isPlainName("pypi", name) || !isPlainVersion("pypi", replacement)) return `Use ${target}.`
  return `Use ${target}: ${COMMANDS[client] ?? "pip install"} ${target}.`
}

function renderJson(project: Project, shown: readonly Shown[], { withheld }: Plan): string {
  const versions = [...project.byVersion.keys()].filter((version) => withheld.get(version)?.presentation !== "withheld")
  const files = shown.map(({ file, url, yanked }) => {
    const metadata = file.metadata && (file.metadata === true || { [file.metadata.algorithm]: file.metadata.hex })
    return {
      filename: file.filename,
      url,
      hashes: Object.fromEntries(file.hashes.map(({ algorithm, hex }) => [algorithm, hex])),
      // What is undefined is not written.
      "requires-python": file.requiresPython,
      size: file.size,
      "upload-time": file.uploaded,
      yanked,
      "core-metadata": metadata,
      "dist-info-metadata": metadata,
    }
  })
  // PEP 700 wants a size for every file of API 1.1.
  const api = shown.every(({ file }) => file.size !== undefined) ? "1.1" : "1.0"
  return JSON.stringify({ meta: { "api-version": api }, name: project.name, versions, files })
}

function renderHtml({ name }: Project, shown: readonly Shown[]): string {
  const lines = shown.map(({ file, url, yanked }) => {
    const metadata = file.metadata && (file.metadata === true ? "true" : fragmentOf(file.metadata))
    const attributes: [string, string | undefined][] = [
      [
        "href",
        file.hashes[0] === undefined ? url : `${url}#${fragmentOf(file.hashes.find(isSha256) ?? file.hashes[0])}`,
      ],
      ["data-requires-python", file.requiresPython],
      ["data-yanked", yanked === true ? "" : yanked || undefined],
      ["data-core-metadata", metadata],
      ["data-dist-info-metadata", metadata],
    ]
    const text = attributes.flatMap(([key, value]) => (value === undefined ? [] : [` ${key}="${escapeHtml(value)}"`]))
    return `<a${text.join("")}>${escapeHtml(file.filename)}</a><br>`
  })
  const title = escapeHtml(name)
  const head = `<meta charset="utf-8"><meta name="pypi:repository-version" content="1.0"><title>Links for ${title}</title>`
  return `<!DOCTYPE html>\n<html><head>${head}</head><body><h1>Links for ${title}</h1>\n${lines.join("\n")}\n</body></html>\n`
}

function fragmentOf({ algorithm, hex }: Hash): string {
  return `${algorithm}=${hex}`
}

function isSha256({ algorithm }: Hash): boolean {
  return algorithm === "sha256"
}

/** Text for an attribute in double quotes, or between tags. */
function escapeHtml(text: string): string {
  return !/[&<>"']/.test(text) ? text : text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`)
}
