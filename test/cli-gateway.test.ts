// What each word of the gate's and the approvals' commands means.
import { expect, it, type Mock, vi } from "vitest"
import { main } from "../src/cli.ts"
import { temporaryDirectory, testContext } from "./context.ts"

const stub = vi.hoisted(() => () => vi.fn(async () => ({ exit: 0 })))
const gateway = vi.hoisted(() => ({
  gatewayStart: stub(),
  gatewayStop: stub(),
  gatewayStatus: stub(),
  gatewayReload: stub(),
  gatewayEnv: stub(),
}))
const exec = vi.hoisted(() => ({ gatewayExec: vi.fn(async () => ({ exit: 7 })) }))
const why = vi.hoisted(() => ({ why: stub() }))
const approve = vi.hoisted(() => ({ approveList: stub(), answerCommand: stub() }))
const approver = vi.hoisted(() => ({ approverAdd: stub(), approverList: stub(), approverRemove: stub() }))
const adopt = vi.hoisted(() => ({ policyAdopt: stub(), policyAdopted: stub() }))
vi.mock("../src/commands/gateway.ts", () => gateway)
vi.mock("../src/commands/gateway-exec.ts", () => exec)
vi.mock("../src/commands/why.ts", () => why)
vi.mock("../src/commands/approve.ts", () => approve)
vi.mock("../src/commands/approver.ts", () => approver)
vi.mock("../src/commands/adopt.ts", () => adopt)

const text = { format: "text" }

it.each<[string, Mock, unknown[]]>([
  ["gateway start", gateway.gatewayStart, [text]],
  [
    "gateway start --host 10.0.0.1 --port 0 --origin https://g.example --tls-key k --tls-cert c --require-token --name g1",
    gateway.gatewayStart,
    [
      {
        ...{ ...text, host: "10.0.0.1", port: "0", origin: "https://g.example", tlsKey: "k", tlsCert: "c" },
        ...{ requireToken: true, name: "g1" },
      },
    ],
  ],
  [
    "gateway start --project p --offline --stale 1h --unit systemd --format json",
    gateway.gatewayStart,
    [{ project: "p", offline: true, stale: "1h", unit: "systemd", format: "json" }],
  ],
  ["gateway stop", gateway.gatewayStop, [text]],
  ["gateway status --format json", gateway.gatewayStatus, [{ format: "json" }]],
  ["--no-color gateway status", gateway.gatewayStatus, [{ ...text, color: false }]],
  ["gateway reload", gateway.gatewayReload, [text]],
  [
    "gateway env --agent a --run r --operator o --lasts 1h --shell fish",
    gateway.gatewayEnv,
    [{ ...text, agent: "a", run: "r", operator: "o", lasts: "1h", shell: "fish" }],
  ],
  ["why ng-1", why.why, ["ng-1", text]],
  [
    "why last --request-exception because --agent a --format json",
    why.why,
    ["last", { requestException: "because", agent: "a", format: "json" }],
  ],
  ["approve", approve.approveList, [text]],
  ["--no-color approve --list", approve.approveList, [{ ...text, list: true, color: false }]],
  ["approve --list --state denied", approve.approveList, [{ ...text, list: true, state: "denied" }]],
  [
    "approve ap-1 --digest d --as ana --passphrase-file p --reason r --expires 1h --uses 2 --for agent",
    approve.answerCommand,
    [
      "ap-1",
      "approve",
      { ...text, digest: "d", as: "ana", passphraseFile: "p", reason: "r", expires: "1h", uses: "2", for: "agent" },
    ],
  ],
  [
    "deny ap-1 --digest d --sign-with k",
    approve.answerCommand,
    ["ap-1", "deny", { ...text, digest: "d", signWith: "k" }],
  ],
  ["approver add ana --key k.pub", approver.approverAdd, ["ana", { ...text, key: "k.pub" }]],
  ["approver list", approver.approverList, [text]],
  ["approver remove ana --yes", approver.approverRemove, ["ana", { ...text, yes: true }]],
  ["policy adopt --yes --project p --dry-run", adopt.policyAdopt, [{ ...text, yes: true, project: "p", dryRun: true }]],
  ["policy adopted --policy f", adopt.policyAdopted, [{ ...text, policy: "f" }]],
])("%s", async (line, command, expected) => {
  const ctx = testContext(temporaryDirectory())
  expect([await main(["node", "nanoguard", ...line.split(" ")], ctx), ctx.err()]).toEqual([0, ""])
  expect(command.mock.lastCall?.slice(1)).toEqual(expected)
})

it.each([
  ["approve --stats ap-1", "--stats stands alone"],
  ["approve --stats --list", "--stats stands alone"],
  ["approve --stats --state denied", "--stats stands alone"],
  ["approve --plain ap-1", "--plain is for the live queue"],
  ["approve --plain --list", "--plain is for the live queue"],
  ["approve --days 3", "--days belongs to --stats"],
  ["approve --uses 3", "--reason, --expires, --uses and --for belong to one request"],
  ["approve --list ap-1", "a list is shown, and an id is decided"],
])("%s: %s", async (line, message) => {
  const ctx = testContext(temporaryDirectory())
  for (const command of Object.values(approve)) command.mockClear()
  expect(await main(["node", "nanoguard", ...line.split(" ")], ctx)).toBe(2)
  expect(ctx.err()).toContain(`error: ${message}\n`)
  expect(Object.values(approve).flatMap((command) => command.mock.calls)).toEqual([])
})

it("gateway exec -- npm ci --audit: what follows the dashes is the command's, and so is the exit code", async () => {
  const ctx = testContext(temporaryDirectory())
  const line = "gateway exec --agent a --run r --operator o --quiet --port 0 -- npm ci --audit --port 9"
  expect([await main(["node", "nanoguard", ...line.split(" ")], ctx), ctx.err()]).toEqual([7, ""])
  const options = { agent: "a", run: "r", operator: "o", quiet: true, port: "0" }
  expect(exec.gatewayExec.mock.lastCall?.slice(1)).toEqual([["npm", "ci", "--audit", "--port", "9"], options])
})
