// One request to an upstream with its redirects and retries. Every hop is judged before it is dialled, nothing of a client
// goes along, and every answer is bounded in time from its first byte to its last.
import type { Dispatcher } from "undici"
import {
  type HttpOptions,
  openDispatcher,
  pause,
  REDIRECTS,
  UNREAD,
  USER_AGENT,
} from "../../packages/registries/http.ts"
import { type Failed, failed, failedError, failedStatus, publicFailure } from "./failures.ts"
import { readRefusal } from "./refusal.ts"
import { createPublicLookup, judgeTarget } from "./targets.ts"
import type { UpstreamFailure, UpstreamLimits, UpstreamRequest } from "./types.ts"

export type Answer = Dispatcher.ResponseData

export interface Call {
  request: UpstreamRequest
  headers: Readonly<Record<string, string>>
  /** Statuses that are an answer and no failure. */
  statuses: readonly number[]
  /** Whether it may be redirected to hosts that nobody configured. */
  isArtifact?: boolean
  /** Milliseconds for all of one attempt; `limits.total` until the answer begins. */
  total: number
  retries: number
  signal?: AbortSignal
}

export interface Exchanger {
  /** Gives `read` the answer, again for every retry: where it throws, that is a failure as well. */
  ask: <T>(call: Call, read: (answer: Answer) => Promise<T>) => Promise<T | UpstreamFailure>
  close: () => Promise<void>
}

/** Answers of 1xx before the real one: a server that sends more wants something else. */
const INTERIM = 16

/** An exchanger that opens no socket and loads no library before its first request. */
export function createExchanger(
  options: HttpOptions,
  limits: UpstreamLimits,
  trusted: ReadonlySet<string> = new Set(),
): Exchanger {
  const health = createHealth(limits)
  const dispatchers: Partial<Record<"configured" | "learnt", Promise<Dispatcher>>> = {}
  const dispatcherOf = (target: "configured" | "learnt") => {
    dispatchers[target] ??= openDispatcher(
      target === "configured" ? options : { ...options, lookup: createPublicLookup(options.lookup, trusted) },
      limits,
    )
    return dispatchers[target]
  }

  async function attempt<T>(call: Call, read: (answer: Answer) => Promise<T>): Promise<T | Failed> {
    const { request } = call
    let url = new URL(request.url)
    for (let hop = 0; hop <= REDIRECTS; hop++) {
      const target = judgeTarget(url, request, call.isArtifact === true, trusted)
      if (target === undefined)
        return failed(
          "invalid",
          `the registry ${hop === 0 ? "names" : "redirects to"} an address that is not to be asked`,
        )
      const deadline = createDeadline(limits.total, call.signal)
      try {
        const answer = await (await dispatcherOf(target)).request(optionsFor(url, call, deadline))
        const { statusCode: status, headers, body } = answer
        // An error that nobody awaits any more must not end the process.
        body.on("error", () => {}).once("close", deadline.clear)
        if (call.statuses.includes(status)) {
          deadline.extend(call.total)
          return await read(answer)
        }
        if (status === 401 || status === 403) return await readRefusal(answer)
        // Read to its end where it is short, so that the socket can be used again; destroyed where it is not.
        await body.dump({ limit: UNREAD, signal: deadline.signal })
        if (status < 300 || status >= 400) return failedStatus(status, headers["retry-after"])
        const next = typeof headers.location === "string" ? URL.parse(headers.location, url.href) : null
        if (next === null) return failed("invalid", `the registry answered ${status} without a usable address`)
        url = next
      } catch (error) {
        deadline.clear()
        throw error
      }
    }
    return failed("invalid", `the registry redirects more than ${REDIRECTS} times`)
  }

  async function ask<T>(call: Call, read: (answer: Answer) => Promise<T>): Promise<T | UpstreamFailure> {
    const origin = URL.parse(call.request.url)?.origin
    if (origin === undefined || URL.parse(call.request.base ?? "https://a") === null)
      return failed("invalid", "the registry's address is not a URL")
    for (let tries = 0; ; tries++) {
      if (health.isResting(origin))
        return failed("unreachable", `the registry failed ${limits.failures} times in a row and is left alone for now`)
      const result = await attempt(call, read).catch((error: unknown): Failed => failedError(error, limits))
      const failure: Failed | undefined = isFailed(result) ? result : undefined
      if (call.signal?.aborted) return failed("unreachable", "nobody waits for the registry's answer any more")
      health.note(origin, failure?.fault === true)
      if (failure === undefined) return result
      if (!failure.retry || tries >= call.retries) return publicFailure(failure)
      await pause(Math.min(limits.backoff, failure.after ?? 200 * 3 ** tries * (1 + Math.random())))
    }
  }

  return {
    ask,
    close: async () => {
      await Promise.all(Object.values(dispatchers).map(async (dispatcher) => (await dispatcher).destroy()))
    },
  }
}

/** Whether a result is a failure; answers never have `ok: false`. */
export function isFailed(result: unknown): result is UpstreamFailure {
  return typeof result === "object" && result !== null && (result as { ok?: unknown }).ok === false
}

function optionsFor(url: URL, { request, headers }: Call, deadline: Deadline): Dispatcher.RequestOptions {
  const authorization = request.authorize?.(url)
  let interim = 0
  return {
    origin: url.origin,
    path: url.pathname + url.search,
    method: "GET",
    signal: deadline.signal,
    onInfo: () => {
      if (++interim > INTERIM) deadline.expire()
    },
    headers: {
      accept: request.accept ?? "*/*",
      "user-agent": USER_AGENT,
      ...headers,
      ...(authorization !== undefined && { authorization }),
    },
  }
}

interface Deadline {
  signal: AbortSignal
  /** Starts anew with another number of milliseconds. */
  extend: (milliseconds: number) => void
  expire: () => void
  clear: () => void
}

function createDeadline(milliseconds: number, outer: AbortSignal | undefined): Deadline {
  const controller = new AbortController()
  const expire = () => controller.abort(new DOMException("the time is up", "TimeoutError"))
  const leave = () => controller.abort(outer?.reason)
  let timer = setTimeout(expire, milliseconds)
  if (outer?.aborted) leave()
  outer?.addEventListener("abort", leave, { once: true })
  return {
    signal: controller.signal,
    extend: (more) => {
      clearTimeout(timer)
      timer = setTimeout(expire, more)
    },
    expire,
    clear: () => {
      clearTimeout(timer)
      outer?.removeEventListener("abort", leave)
    },
  }
}

/** Leaves a host alone for a while that failed many times in a row. */
function createHealth({ failures, rest }: UpstreamLimits) {
  const states = new Map<string, { failures: number; since: number }>()
  return {
    isResting: (origin: string) => {
      const state = states.get(origin)
      return state !== undefined && state.failures >= failures && Date.now() - state.since < rest
    },
    note: (origin: string, fault: boolean) => {
      if (!fault) states.delete(origin)
      else states.set(origin, { failures: (states.get(origin)?.failures ?? 0) + 1, since: Date.now() })
    },
  }
}
