import { availableParallelism } from "node:os"
import { defineConfig } from "vitest/config"

// unit: sources in-process. e2e: the built CLI as a process, on real files and terminals.
// live: real public registries. long: the seeded suites, whole in `npm run test:full`.
const project = (
  name: string,
  include: string[],
  testTimeout: number,
  more: { maxWorkers?: number; isolate?: boolean } = {},
) => ({
  test: {
    name,
    include,
    testTimeout,
    hookTimeout: testTimeout,
    setupFiles: ["test/seed.ts", "test/workers.ts"],
    ...more,
  },
})

// Of the units those that take longest: `npm test` stays below three minutes without them, and CI runs them with the long suites.
const SLOW = [
  "test/commands/kill.test.ts",
  "test/doctor/doctor.test.ts",
  "test/audit/anchors/git.test.ts",
  "test/audit/erase/erase.test.ts",
  "test/audit/verify/store.test.ts",
  "test/vet/{fix,changed}.test.ts",
  "test/store/{postgres,postgres-roles,journal}.test.ts",
  "test/approvals/{background,sqlite}.test.ts",
  "test/audit/archive/archive.test.ts",
  "test/audit/derive/{derive,deriver}.test.ts",
  "test/commands/audit-hostile.test.ts",
  "test/sandbox/selftest/probes.test.ts",
  "test/gateway/egress/budgets.test.ts",
  "test/sandbox/terminal/attach.test.ts",
  "test/vault/{logins,vault}.test.ts",
  "test/audit/export/tampering.test.ts",
  "test/store/reader.test.ts",
  "test/sandbox/kills/sqlite.test.ts",
  "test/gateway/hold/sqlite.test.ts",
  "test/attack/{approvals-hold,egress-gate,egress-gate-answers,egress-gate-holds,egress-gate-requests}.test.ts",
  "test/attack/{box-end,egress-gate-runs,gateway-upstream,workspace}.test.ts",
  "test/commands/adopt.test.ts",
  "test/gateway/boxes/boxes.test.ts",
  "test/commands/approve.test.ts",
  "test/gateway/{join,front/npm,upstream/faults}.test.ts",
  "test/attack/{card,egress-transport,gateway-requests}.test.ts",
  "test/sandbox/{workspace/git-find,engines/bubblewrap,neighbours/look}.test.ts",
  "test/render/injection.test.ts",
  "test/gateway/egress/pipeline.test.ts",
  "test/templates/relay.test.ts",
  "test/store/{open,recovery}.test.ts",
  "test/sandbox/workspace/nothing-lost.test.ts",
  "test/policy/check.test.ts",
  "test/approvals/keys.test.ts",
  "test/audit/tree/tiles.test.ts",
]

// Left alone vitest spares one processor: half of a machine that has two. Many tests wait for a disk, a terminal or another process.
const everyProcessor = { maxWorkers: availableParallelism() + 1 }

export default defineConfig({
  test: {
    globalSetup: ["test/setup.ts", "test/programs.ts", "test/postgres-shared.ts"],
    projects: [
      // Its files share a process and the libraries loaded there; each evaluates the sources anew.
      project("unit", ["test/**/*.test.ts", "!test/{e2e,live,long}/**", ...SLOW.map((file) => `!${file}`)], 20_000, {
        ...everyProcessor,
        isolate: false,
      }),
      project("e2e", ["test/e2e/**/*.test.ts"], 60_000, everyProcessor),
      project("live", ["test/live/**/*.test.ts"], 180_000),
      project("long", ["test/long/**/*.test.ts", ...SLOW], 600_000),
    ],
  },
})
