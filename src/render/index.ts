// The formats of `vet`, each loaded only when it is asked for.
import type { VetReport } from "../vet/report.ts"
import type { Style } from "./style.ts"

export const FORMATS = ["text", "json", "sarif", "junit", "github", "cyclonedx"] as const

export type Format = (typeof FORMATS)[number]

export interface RenderOptions {
  style?: Style
  columns?: number
  verbose?: boolean
  failOn?: "ask" | "deny"
  /** Base address of the documentation, for formats that link to it. */
  docs?: string
}

/** A report in, the bytes of one format out. */
export type Renderer = (report: VetReport, options?: RenderOptions) => string

/** Loads the renderer of one format. */
export async function loadRenderer(format: Format): Promise<Renderer> {
  switch (format) {
    case "text":
      return (await import("./text.ts")).renderText
    case "json":
      return (await import("./json.ts")).renderJson
    case "sarif":
      return (await import("./sarif.ts")).renderSarif
    case "junit":
      return (await import("./junit.ts")).renderJunit
    case "github":
      return (await import("./github.ts")).renderGithub
    case "cyclonedx":
      return (await import("./cyclonedx.ts")).renderCyclonedx
  }
}
