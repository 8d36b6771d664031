import type * as z from "zod/mini"
import type { Path } from "./yaml.ts"

interface Def {
  type: string
  shape?: Record<string, { _zod: { def: Def } }>
  innerType?: { _zod: { def: Def } }
  element?: { _zod: { def: Def } }
  valueType?: { _zod: { def: Def } }
  options?: readonly { _zod: { def: Def } }[]
}

/** The keys that a schema knows at a path, for suggestions. */
export function keysAt(schema: z.ZodMiniType, path: Path): readonly string[] {
  let def: Def | undefined = schema._zod.def as unknown as Def
  for (const step of path) {
    def = unwrap(def)
    def = def?.shape ? def.shape[String(step)]?._zod.def : (def?.element ?? def?.valueType)?._zod.def
  }
  return Object.keys(unwrap(def)?.shape ?? {})
}

function unwrap(def: Def | undefined): Def | undefined {
  if (def?.innerType) return unwrap(def.innerType._zod.def)
  if (def?.options) return def.options.map((option) => unwrap(option._zod.def)).find((option) => option?.shape)
  return def
}
