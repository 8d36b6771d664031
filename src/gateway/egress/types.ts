// The contracts of the egress proxy: what the transport hands to the pipeline, and what passes between its parts.
import type { IncomingMessage, ServerResponse } from "node:http"
import type { Duplex } from "node:stream"
import type { ActiveGrant } from "../../approvals/types.ts"
import type { Decision, Detail } from "../../audit/types.ts"
import type { ListRule } from "../../policy/compiled.ts"
import type { Counters, NetworkAction, Verdict } from "../../policy/types.ts"
import type { Change } from "../../store/types.ts"
import type { Attribution } from "../types.ts"

/** Host and port as CONNECT or an absolute address named them: canonical, and no other will be dialled. */
export interface Target {
  scheme: "https" | "http"
  /** Lower case, IDNA, no trailing dot; an address in its canonical text form. */
  host: string
  port: number
}

/** One request that came through the proxy. Its Host, `:authority` and SNI were found to be the target's before it is handed over. */
export interface Arrived {
  who: Attribution
  target: Target
  request: IncomingMessage
  response: ServerResponse
  /** Origin form. The path is in its normal form (what rules see is what is sent), the query as it came. */
  url: string
  http2: boolean
}

/** A request for another protocol on the same connection (WebSocket). */
export interface ArrivedUpgrade extends Omit<Arrived, "response" | "http2"> {
  socket: Duplex
  /** What came after the request's head. */
  head: Buffer
}

/** What becomes of a CONNECT before any of its bytes is read. */
export type TunnelDecision =
  | { go: "inspect"; http2: boolean }
  /** Not looked into: the bytes pass as they are, once the SNI was found to be the target's host. `done` is told what passed. */
  | {
      go: "pass"
      /** Vetted; one of these is dialled. */
      addresses: readonly string[]
      /** Whatever protocol it is: there is no name to be found. */
      raw?: true
      done: (passed: { sent: number; received: number }) => void
    }
  /** Answered in place of the tunnel. */
  | { go: "refuse"; verdict: Verdict; requestId: string }

/** What the transport needs of the pipeline. None of them rejects. */
export interface Pipeline {
  /** Whose a token is (RFC 9110, section 11.7.1: Proxy-Authorization); undefined where it is nobody's. */
  identify: (authorization: string | undefined) => Attribution | undefined
  tunnel: (who: Attribution, target: Target) => Promise<TunnelDecision>
  request: (arrived: Arrived) => Promise<void>
  upgrade: (arrived: ArrivedUpgrade) => Promise<void>
  /** Something that no client sends by mistake: SNI that is not the target's, bytes that are no TLS, a nested CONNECT. Recorded as refused. */
  violated: (who: Attribution, target: Target | undefined, code: Violation, detail: string) => void
}

/** Breaches of the protocol; each ends the connection. The names are in the log, and in docs/egress.md. */
export type Violation =
  | "authority.malformed"
  | "authority.mismatch"
  | "tls.expected"
  | "tls.sni-missing"
  | "tls.sni-mismatch"
  | "connect.nested"
  | "request.malformed"

/** What matched rules' budgets have used, in-flight included. */
export interface Reservation {
  counters: Counters
  /**
   * To be called once, whatever becomes of the request: it counts for what it used; for nothing where it was not sent, and as a request alone where its host was
   * `reached` all the same.
   * `guess`: tokens that it seems to have used, where it does not say `tokens`.
   */
  settle: (actual: {
    bytes?: number
    tokens?: number
    usd?: number
    guess?: number
    sent?: false
    reached?: true
  }) => void
}

export interface Budgets {
  /** Rejects where the store cannot be read: then nothing may be sent. */
  reserve: (who: Attribution, rules: readonly ListRule<NetworkAction>[]) => Promise<Reservation>
  /** Writes what was used and not written yet. */
  close: () => Promise<void>
}

/** What the gate writes into the record about requests. Each resolves with the sequence number, and rejects where nothing was recorded. */
export interface TrafficRecorder {
  /** Plainly allowed and about to be forwarded: survives a crash of the process; synced within 100 ms. */
  allowed: (who: Attribution, decision: Decision, detail?: Detail) => Promise<number>
  /** Refused, or about to be: synced. `approval`: the question that it rests on. */
  refused: (who: Attribution, decision: Decision, more?: { approval?: string; detail?: Detail }) => Promise<number>
  /**
   * About to be sent with a credential, or by a person's consent: synced, in one batch with what it uses up (`changes`). Rejects with
   * `Conflict` where that was used up meanwhile: then nothing may be sent.
   */
  released: (
    who: Attribution,
    decision: Decision,
    more: {
      grants: readonly ActiveGrant[]
      changes: readonly Change[]
      credentials: readonly string[]
      detail?: Detail
    },
  ) => Promise<number>
  /** Came to nothing. `of`: the record that it was sent by; undefined where it never was. */
  failed: (who: Attribution, subject: string, policy: string, of: number | undefined, detail: Detail) => Promise<number>
  /** A breach of the protocol. */
  violated: (who: Attribution, subject: string, policy: string, detail: Detail) => Promise<number>
  /** A placeholder towards a host that its credential is not bound to; `canary` where nobody may use it at all. */
  exfiltration: (
    who: Attribution,
    decision: Decision,
    detail: Detail & { credential: string; canary: boolean },
  ) => Promise<number>
}
