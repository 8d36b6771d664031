// `nanoguard approve` at a terminal: the queue, live. What keys do is in approvals/live, how it looks in render/card-live.
import { answerApproval } from "../approvals/answer.ts"
import { readApprovers, requireApprover } from "../approvals/approvers.ts"
import { createLoader } from "../approvals/live/load.ts"
import { reduceLive, startLive, wantedIds } from "../approvals/live/reduce.ts"
import type { Effect, LiveEvent, LiveState } from "../approvals/live/types.ts"
import type { Signer } from "../approvals/types.ts"
import type { Context } from "../context.ts"
import { EXIT, type ExitCode, NanoguardError } from "../errors.ts"
import { leaveApproverSign } from "../gateway/deadman.ts"
import type { Fetched, Screen } from "../render/card-live.ts"
import { cleanText, countOf } from "../render/clean.ts"
import { openReader, openStore } from "../store/open.ts"
import type { Store } from "../store/types.ts"
import { fetchBody, proposeRule } from "./approve-fetch.ts"
import { onlyFor } from "./only-for.ts"
import { nameOfSigner, openSigner, type SigningOptions } from "./signing.ts"

export interface LiveOptions extends SigningOptions {
  /** Cards as paragraphs, one after the other, with numbered choices. */
  plain?: boolean
  color?: boolean
}

/** What a terminal, with a screen or without, is to the loop: it draws what it is given, and says what was typed. */
export interface Front {
  draw: (state: LiveState, fetched: Fetched | undefined) => Promise<Pick<Screen, "fits" | "last">>
  suspend: () => void
  close: () => void
}

export type OpenFront = (ctx: Context, dispatch: (event: LiveEvent) => void) => Promise<Front>

/** Milliseconds between two looks at the clock and, where nothing was heard, at the queue. */
const TICK = 1_000
/** Milliseconds between two signs that somebody is there, for boxes that stand still without (`pause-when: approvers-gone`). */
const SIGN_EVERY = 60_000

/**
 * Shows what waits as it comes, and signs what the person decides, until they leave. Exit: ok; findings (nobody is enrolled, not the
 * passphrase); usage; environment (no record, a store that cannot be written).
 */
export async function approveLive(ctx: Context, options: LiveOptions = {}): Promise<{ exit: ExitCode }> {
  if (!ctx.stdin.isTTY || !ctx.stdout.isTTY)
    throw new NanoguardError("the live queue needs a terminal", {
      exit: EXIT.usage,
      hint: "nanoguard approve --list, approve <id> --digest <digest>",
    })
  const reader = await openReader(ctx)
  const approvers = await readApprovers(reader.db).finally(() => reader.close())
  const signer = await openSigner(ctx, requireApprover(approvers, nameOfSigner(ctx, approvers, options)), options)
  const store = await openStore(ctx, { gateway: "approve" })
  let there: NodeJS.Timeout | undefined
  try {
    const isPlain = options.plain === true || ctx.env["TERM"] === "dumb"
    const open = isPlain
      ? (await import("./approve-plain.ts")).openPlain
      : (await import("./approve-screen.ts")).openScreen(options.color)
    leaveApproverSign(ctx)
    there = setInterval(() => leaveApproverSign(ctx), SIGN_EVERY).unref()
    await runLive(ctx, store, signer, open)
    return { exit: EXIT.ok }
  } finally {
    clearInterval(there)
    await store.close()
  }
}

/** The loop: events in, states drawn, effects done; one after the other, until the person leaves. */
async function runLive(ctx: Context, store: Store, signer: Signer, open: OpenFront): Promise<void> {
  const load = createLoader(store.db, signer.name)
  const { promise: left, resolve: leave, reject: fail } = Promise.withResolvers<void>()
  let state = startLive(signer.name, { columns: 0, rows: 0 }, ctx.now())
  let fetched: Fetched | undefined
  let drawing: Promise<void> | undefined
  let stale = false
  let loading = false
  let again = false
  let ended = false

  const dispatch = (event: LiveEvent) => {
    if (ended) return
    const before = wantedIds(state)
    const step = reduceLive(state, event, ctx.now())
    state = step.state
    if (event.type !== "drawn") draw()
    for (const effect of step.effects) perform(effect)
    // What came to the front may be something that nothing was read about yet.
    const wanted = wantedIds(state)
    const isNew = wanted.some((id) => !before.includes(id))
    const isUnread = state.queue.some((one) => wanted.includes(one.approval.id) && one.background === undefined)
    if (isNew && isUnread) void refresh()
  }
  const draw = () => {
    stale = true
    drawing ??= drawAll()
      .catch(fail)
      .finally(() => {
        drawing = undefined
      })
  }
  const drawAll = async () => {
    while (stale) {
      stale = false
      const drawn = await front.draw(state, fetched)
      // Only what the person has in front of them counts as shown.
      if (!stale) dispatch({ type: "drawn", ...drawn })
    }
  }
  const refresh = async () => {
    again = loading
    if (loading) return
    loading = true
    try {
      dispatch({ type: "queue", ...(await load(ctx.now(), wantedIds(state))) })
    } catch (error) {
      dispatch({ type: "trouble", notice: `the queue cannot be read: ${messageOf(error)}` })
    } finally {
      loading = false
      if (again) void refresh()
    }
  }
  const perform = (effect: Effect) => {
    if (effect.do === "quit") leave()
    else if (effect.do === "suspend") front.suspend()
    else if (effect.do === "answer")
      void answerAll(ctx, store, signer, effect.items)
        .then((notice) => dispatch({ type: "answered", notice: `last answer: ${notice}` }))
        .then(refresh, fail)
    else fetch(effect).catch(fail)
  }
  const fetch = async ({ do: what, id }: Extract<Effect, { id: string }>) => {
    const approval = state.queue.find((one) => one.approval.id === id)?.approval
    if (approval === undefined) return
    const lines = what === "body" ? await fetchBody(ctx, approval) : proposeRule(approval)
    fetched = { ...(fetched?.id === id && fetched), id, [what]: lines }
    if (!ended) draw()
  }

  const front = await open(ctx, dispatch)
  const unsubscribe = store.subscribe(() => void refresh())
  const timer = setInterval(() => {
    dispatch({ type: "tick" })
    void refresh()
  }, TICK)
  try {
    await refresh()
    await left
  } finally {
    ended = true
    clearInterval(timer)
    unsubscribe()
    front.close()
    await drawing
  }
}

type Item = Extract<Effect, { do: "answer" }>["items"][number]

/** Signs and writes each answer; resolves with what became of them, in one line. */
async function answerAll(ctx: Context, store: Store, signer: Signer, items: readonly Item[]): Promise<string> {
  const said: string[] = []
  for (const { id, digest, answer, terms } of items) {
    try {
      const { state, missing } = await answerApproval(
        store,
        id,
        { answer, terms },
        onlyFor(signer, digest),
        ctx.now(),
        "approve",
        ctx.now,
      )
      said.push(
        state === "pending"
          ? `${id}: you agreed; ${missing} more must`
          : `${id} is ${state === "granted" ? "approved" : state}`,
      )
    } catch (error) {
      said.push(`${id}: ${messageOf(error)}`)
    }
  }
  const [first = ""] = said
  const rest = said.slice(1)
  if (rest.length === 0) return first
  const alike = rest.filter((one) => one.replace(/^\S+/, "") === first.replace(/^\S+/, "")).length
  return alike === rest.length
    ? `${countOf(said.length, "request")}: each${first.replace(/^\S+/, "")}`
    : said.join("; ")
}

function messageOf(error: unknown): string {
  return cleanText(error instanceof Error ? error.message : String(error), 160)
}
