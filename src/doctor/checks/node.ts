// The Node that runs nanoguard.
import type { Check } from "../types.ts"

/** Node's own version. bin/nanoguard.js refuses one that is too old; here it is only named. */
export const nodeCheck: Check = {
  id: "node",
  title: "Node.js",
  run: async () => {
    const version = process.versions.node
    const facts = { version, path: process.execPath }
    if (process.release.lts !== undefined || Number(version.split(".")[0]) % 2 === 0)
      return { state: "ok", facts, why: version }
    return { state: "warn", facts, why: `${version} gets no security fixes for long`, fix: "nvm install --lts" }
  },
}
