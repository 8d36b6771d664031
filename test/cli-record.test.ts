// What each word of the record's commands means.
import { expect, it, type Mock, vi } from "vitest"
import { main } from "../src/cli.ts"
import { temporaryDirectory, testContext } from "./context.ts"

const stub = vi.hoisted(() => () => vi.fn(async () => ({ exit: 0 })))
const audit = vi.hoisted(() => ({
  auditTail: stub(),
  auditShow: stub(),
  auditInventory: stub(),
  auditVerify: stub(),
  auditExport: stub(),
  auditCheckpoint: stub(),
  auditArchive: stub(),
  auditErase: stub(),
}))
const store = vi.hoisted(() => ({ storeStatus: stub(), storeDerive: stub(), storeMigrate: stub() }))
const replay = vi.hoisted(() => ({ policyReplay: stub() }))
vi.mock("../src/commands/audit-tail.ts", () => audit)
vi.mock("../src/commands/audit-show.ts", () => audit)
vi.mock("../src/commands/audit-inventory.ts", () => audit)
vi.mock("../src/commands/audit-verify.ts", () => audit)
vi.mock("../src/commands/audit-export.ts", () => audit)
vi.mock("../src/commands/audit-checkpoint.ts", () => audit)
vi.mock("../src/commands/audit-archive.ts", () => audit)
vi.mock("../src/commands/audit-erase.ts", () => audit)
vi.mock("../src/commands/store.ts", () => store)
vi.mock("../src/commands/replay.ts", () => replay)

const text = { format: "text" }

it.each<[string, Mock, unknown[]]>([
  ["audit tail", audit.auditTail, [{ ...text, lines: "20" }]],
  ["audit tail -n 5 -f", audit.auditTail, [{ ...text, lines: "5", follow: true }]],
  [
    "audit tail --lines 7 --follow --agent a --run r --kind mcp --type mcp.decided --effect ask --outcome held --format ndjson",
    audit.auditTail,
    [
      {
        ...{ lines: "7", follow: true, agent: "a", run: "r", kind: "mcp", type: "mcp.decided", effect: "ask" },
        ...{ outcome: "held", format: "ndjson" },
      },
    ],
  ],
  ["audit tail --since 2h --until 1h", audit.auditTail, [{ ...text, lines: "20", since: "2h", until: "1h" }]],
  ["--no-color audit tail", audit.auditTail, [{ ...text, lines: "20", color: false }]],
  ["audit show 812", audit.auditShow, ["812", text]],
  ["audit show 812 --format json", audit.auditShow, ["812", { format: "json" }]],
  ["audit inventory", audit.auditInventory, ["both", text]],
  ["audit inventory agents", audit.auditInventory, ["agents", text]],
  [
    "audit inventory items --agent a --kind cli --touched GHSA-x --as-of 3d --refused --verbose --format csv",
    audit.auditInventory,
    [
      "items",
      {
        ...{ agent: "a", kind: "cli", touched: "GHSA-x", asOf: "3d" },
        ...{ refused: true, verbose: true, format: "csv" },
      },
    ],
  ],
  ["audit verify", audit.auditVerify, [{ ...text, index: true }]],
  [
    "audit verify --anchor dir:/a git:/b --key k --archive d --no-index --format json",
    audit.auditVerify,
    [{ anchor: ["dir:/a", "git:/b"], key: ["k"], archive: "d", index: false, format: "json" }],
  ],
  ["audit verify --export x.ndjson", audit.auditVerify, [{ ...text, index: true, export: "x.ndjson" }]],
  ["audit export", audit.auditExport, [{}]],
  [
    "audit export --from 1 --to 9 --since 3d --until 1d --agent a --output o --without-people --key k",
    audit.auditExport,
    [{ from: "1", to: "9", since: "3d", until: "1d", agent: "a", output: "o", withoutPeople: true, key: "k" }],
  ],
  ["audit checkpoint", audit.auditCheckpoint, [text]],
  ["audit checkpoint --publish --format json", audit.auditCheckpoint, [{ publish: true, format: "json" }]],
  ["audit archive --to d --keep 90d", audit.auditArchive, [{ ...text, to: "d", keep: "90d", gzip: true }]],
  [
    "audit archive --to d --before 2026-09-01 --no-gzip --by ana --yes --dry-run --format json",
    audit.auditArchive,
    [{ to: "d", before: "2026-09-01", gzip: false, by: "ana", yes: true, dryRun: true, format: "json" }],
  ],
  ["audit erase ana", audit.auditErase, ["ana", text]],
  [
    "audit erase - --by ben --yes --dry-run --format json",
    audit.auditErase,
    ["-", { by: "ben", yes: true, dryRun: true, format: "json" }],
  ],
  ["store status", store.storeStatus, [text]],
  ["store derive", store.storeDerive, [text]],
  ["store derive --archive d --format json", store.storeDerive, [{ archive: "d", format: "json" }]],
  ["store migrate --format json", store.storeMigrate, [{ format: "json" }]],
  ["policy replay", replay.policyReplay, [text]],
  [
    "policy replay --policy p --since 3d --until 1d --agent a --run r --kind network --fail-on looser --format json",
    replay.policyReplay,
    [
      {
        ...{ policy: "p", since: "3d", until: "1d", agent: "a", run: "r", kind: "network" },
        ...{ failOn: "looser", format: "json" },
      },
    ],
  ],
])("%s", async (line, command, expected) => {
  expect(await run(line)).toEqual({ exit: 0, out: "", err: "" })
  expect(command.mock.lastCall?.slice(1)).toEqual(expected)
})

it.each([
  ["audit", "a command is missing"],
  ["store", "a command is missing"],
  ["audit tail --kind weather", "option '--kind <kind>' argument 'weather' is invalid"],
  ["audit tail --format csv", "option '--format <format>' argument 'csv' is invalid"],
  ["audit show", "missing required argument 'seq'"],
  ["audit inventory people", "'people' is invalid for argument 'view'"],
  ["audit archive", "required option '--to <directory>' not specified"],
  ["audit erase", "missing required argument 'person'"],
  ["policy replay --fail-on always", "option '--fail-on <change>' argument 'always' is invalid"],
])("%s: exit 2, said on stderr", async (line, message) => {
  const { exit, out, err } = await run(line)
  expect([exit, out]).toEqual([2, ""])
  expect(err).toContain(message)
})

async function run(line: string) {
  const ctx = testContext(temporaryDirectory())
  const exit = await main(["node", "nanoguard", ...line.split(" ")], ctx)
  return { exit, out: ctx.out(), err: ctx.err() }
}
