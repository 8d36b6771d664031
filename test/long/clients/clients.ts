// The package managers that the gate is tried with.
import { cargo, go } from "./clients-native.ts"
import { bun, npm, pnpm, yarn1, yarn4 } from "./clients-npm.ts"
import { pip, poetry, uv } from "./clients-python.ts"
import type { ClientDescription } from "./description.ts"

export const CLIENTS: readonly ClientDescription[] = [
  npm("10"),
  npm("11"),
  npm("12"),
  pnpm("10"),
  pnpm("12"),
  yarn1,
  yarn4,
  bun,
  pip,
  uv,
  poetry,
  cargo,
  go,
]
