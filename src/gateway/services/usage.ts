// What a model's provider reports of an answer.
import type { UsageMeter } from "./types.ts"

/** A meter for the answers of a service with this content-type; undefined where it reports nothing. */
export function createUsageMeter(_service: string, _contentType: string): UsageMeter | undefined {
  return undefined
}
