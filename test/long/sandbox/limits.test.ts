// A limit of the policy's in real boxes: no file grows past `sandbox.file-size`, in the workspace or in memory.
import { statSync } from "node:fs"
import { join } from "node:path"
import { afterAll, beforeAll, expect, test } from "vitest"
import { useEngine } from "../../sandbox/engines.ts"
import { type BoxLab, openBoxLab } from "./lab.ts"

let lab: BoxLab

beforeAll(async () => {
  // It stands below `sandbox:`, where the lab's own lines end.
  lab = await openBoxLab({ policy: () => "  file-size: 1m\n" })
})
afterAll(() => lab?.close())

// The signal ends a program that knows nothing of the limit: 128 and 25, SIGXFSZ. Node ignores it and is told EFBIG.
const SCRIPT = `
(head -c 2000000 /dev/zero >large); echo ended $?
(head -c 2000000 /dev/zero >/tmp/large); echo ended $?
node -e 'try { fs.writeFileSync("/workspace/other", Buffer.alloc(2e6)) } catch ({ code }) { console.log(code) }'
node -e 'try { fs.truncateSync("/workspace/other", 2e9) } catch ({ code }) { console.log(code) }'
head -c 1000000 /dev/zero >small && echo fits
ulimit -f unlimited || echo stays
`

test.for(["bubblewrap", "docker", "docker+runsc"] as const)(
  "no file of a box in %s grows past the limit",
  { timeout: 180_000 },
  async (engine, t) => {
    await useEngine(t, engine)
    const workspace = lab.workspace(`limits-${engine}`)
    const { exit, terminal } = await lab.run(engine, workspace, ["sh", "-c", SCRIPT])
    expect(terminal.match(/^ended .*$/gm)).toEqual(["ended 153", "ended 153"])
    expect(terminal.match(/^EFBIG$/gm)).toHaveLength(2)
    expect(terminal).toMatch(/^fits$/m)
    expect(terminal).toMatch(/^stays$/m)
    expect(exit).toBe(0)
    for (const name of ["large", "other"]) expect(statSync(join(workspace, name)).size).toBe(2 ** 20)
  },
)
