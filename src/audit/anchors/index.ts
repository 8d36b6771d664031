// The outside places for checkpoints, as the user names them.
import { isAbsolute, normalize } from "node:path"
import type { Context } from "../../context.ts"
import type { Anchor } from "../types.ts"
import { openDirectoryAnchor } from "./directory.ts"
import { badAnchor } from "./failure.ts"
import { openGitAnchor } from "./git.ts"
import { type HttpsOptions, openHttpsAnchor } from "./https.ts"

type Edge = Pick<Context, "env" | "exec" | "fetch" | "cwd">

const MAX_ANCHORS = 16
const MAX_NAME = 2048

/** Opens `dir:/path`, `git:<path or url>` or `https://...`. Nothing is touched yet. Throws `NanoguardError` (configuration) for any other. */
export function openAnchor(text: string, ctx: Edge, options: HttpsOptions = {}): Anchor {
  if (text.length > MAX_NAME || /[\p{Cc}\p{White_Space}]/u.test(text))
    throw badAnchor(text, "has spaces or is too long")
  if (text.startsWith("dir:")) return openDirectory(text)
  if (text.startsWith("git:")) return openGitAnchor(text, text.slice("git:".length), ctx)
  if (/^https?:\/\//.test(text)) return openHttpsAnchor(text, ctx, options)
  throw badAnchor(text, "is no place for checkpoints")
}

function openDirectory(text: string): Anchor {
  const path = text.slice("dir:".length)
  if (isAbsolute(path)) return openDirectoryAnchor(text, normalize(path))
  throw badAnchor(text, "is not an absolute path")
}

/** What NANOGUARD_ANCHORS names, each once, whether or not it is a place that can be opened. */
export function anchorNames(ctx: Pick<Context, "env">): string[] {
  const names = (ctx.env["NANOGUARD_ANCHORS"] ?? "").split(",").map((name) => name.trim())
  return [...new Set(names.filter((name) => name !== ""))]
}

/** The anchors of NANOGUARD_ANCHORS, which commas separate; none where it is unset. Throws `NanoguardError` (configuration). */
export function anchorsOf(ctx: Edge): Anchor[] {
  const wanted = anchorNames(ctx)
  if (wanted.length > MAX_ANCHORS) throw badAnchor(`${wanted.length} anchors`, `are more than ${MAX_ANCHORS}`)
  return wanted.map((name) => openAnchor(name, ctx))
}
