import { expect, test } from "vitest"
import type { OpenedRun } from "../../../src/gateway/control.ts"
import { askGate } from "../../../src/gateway/control-client.ts"
import { openTestGate } from "../gate.ts"
import { certificateFile, run } from "./clients.ts"
import { HOST, startOrigin } from "./proxy.ts"

test("nobody in particular is asked who it is by the proxy, and gets nothing by the policy; a client that waits to be asked gets on", async () => {
  const seen: string[] = []
  const origin = await startOrigin((request, response) => {
    seen.push(request.url ?? "")
    response.end("ok")
  })
  const gate = await openTestGate({
    policy: `version: 1\nnetwork:\n  - { id: api, allow: ${HOST}, ports: [${origin.port}], addresses: [127.0.0.1] }\n`,
    egress: { resolve: async () => ["127.0.0.1"], ca: [origin.ca.certificate] },
  })
  const network = async () => (await gate.records()).filter(({ type }) => type.startsWith("network."))
  const { port } = new URL(gate.origin)
  const asked = { agent: "claude-1", operator: "ana", boxed: false, lasts: 60_000 }
  const opened = (await askGate<OpenedRun>(gate.ctx, "POST", "/v1/runs", asked))!
  const trust = certificateFile(opened.egress!.certificate)
  const url = `https://${HOST}:${origin.port}/`
  const ask = (proxy: string, ...more: string[]) =>
    run("curl", ["-sS", "-x", proxy, "--proxy-anyauth", "--cacert", trust, "-w", "\n%{http_connect}", ...more])
  const stranger = await ask(`http://127.0.0.1:${port}`, "-D", "-", url)
  expect(stranger.stdout).toMatch(/407 [\s\S]*proxy-authenticate: Basic realm="nanoguard"[\s\S]*407$/i)
  const plain = await ask(`http://127.0.0.1:${port}`, "-w", "\n%{http_code}", `http://${HOST}:${origin.port}/`)
  expect(plain.stdout).toMatch(/407$/)
  expect(seen).toEqual([])
  expect(await network()).toEqual([])
  const known = await ask(`http://x:${opened.token}@127.0.0.1:${port}`, url)
  expect(known.stdout).toBe("ok\n200")
  expect((await network()).at(-1)).toMatchObject({ agent: "claude-1", run: opened.run })
})
