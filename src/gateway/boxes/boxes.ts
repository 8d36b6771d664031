// The boxes of a gate, while they are there: who listens to each, what waits in it, and how it ends.
import type { ServerResponse } from "node:http"
import { EXIT, NanoguardError } from "../../errors.ts"
import { GateGone } from "../gone.ts"
import type { RunSummary } from "../runs.ts"
import type { Attribution, Refusal } from "../types.ts"
import { hasMounted, removeMounted } from "./directory.ts"
import { type Channel, createChannel } from "./events.ts"
import { type BoxesOptions, boxEvent, type LiveBox, openBox } from "./open-box.ts"
import { spentBy } from "./spend.ts"
import type { BoxEnd, BoxEvent, BoxRequest, BoxRow, OpenedBox, PauseReason } from "./types.ts"
import { isUnbegun } from "./unbegun.ts"

export interface Boxes {
  /**
   * Opens a box, or gives one that is open a socket again, after the gate was started anew. Errors: environment (a kill stands, the run is
   * over, too many; directory, socket, port, record).
   */
  open: (request: BoxRequest) => Promise<OpenedBox>
  list: () => Promise<BoxRow[]>
  has: (run: string) => boolean
  /** Has `response` told of what becomes of a box. */
  follow: (run: string, response: ServerResponse) => void
  /** Ends a box and sums it up; undefined where there is none. */
  end: (run: string, how: BoxEnd) => Promise<(RunSummary & { heard: boolean }) | undefined>
  refused: (who: Attribution, refusal: Refusal) => void
  /** Somebody waits for a person from now on, until what is returned is called with what became of it. */
  held: (who: Attribution, approval: string, subject: string) => (state: string) => void
  /** Whether a request of some box waits for a person. */
  readonly someWait: boolean
  /** Cuts off every box that `isKilled` is true of, for good. */
  cut: (isKilled: (who: Attribution) => boolean) => void
  /** Has boxes told to stand still, or that this is over. */
  pause: (why: PauseReason, on: boolean) => void
  /**
   * Closes the sockets, and opens none any more. The boxes are not over: whoever watches them asks the next gate for another one. Those that
   * never began are: what there is of them is removed. Resolves once that is done, also for what is being opened.
   */
  close: () => Promise<void>
}

interface Box extends LiveBox {
  channel: Channel
  refusals: number
  /** Approvals that somebody waits for, by how many do. */
  waiting: Map<string, number>
  killed: boolean
  /** Somebody listened, once at least. */
  met: boolean
  /** Nobody listens: when it runs out, the box is over. */
  alone: NodeJS.Timeout | undefined
}

const MAX_BOXES = 256
/** Milliseconds without anybody who listens: before the first time, and after. */
const FIRST = 60_000
const ALONE = 10_000

/** No boxes yet. */
export function createBoxes(options: BoxesOptions): Boxes {
  const { ctx, front, store, egress } = options
  const boxes = new Map<string, Box>()
  const paused = new Set<PauseReason>()
  const opening = new Set<Promise<unknown>>()
  let closed = false

  const leaveAlone = (box: Box, milliseconds: number) => {
    clearTimeout(box.alone)
    if (boxes.get(box.who.run) !== box) return
    box.alone = setTimeout(() => void end(box.who.run, {}).catch(options.server.onTrouble), milliseconds).unref()
  }
  const shut = (box: Box) => {
    clearTimeout(box.alone)
    box.server.close()
    egress.cutTunnels(({ who }) => who.visit === box.who.visit)
  }
  const cutOne = (box: Box, reason?: string) => {
    if (box.killed) return
    box.killed = true
    front.runs.stop(box.who)
    box.channel.send({ event: "killed", ...(reason !== undefined && { reason }) })
    shut(box)
    // Whoever watches it says how it ended; where nobody does, it is over soon.
    if (!box.channel.attended) leaveAlone(box, ALONE)
  }

  const open = async (request: BoxRequest): Promise<OpenedBox> => {
    const { agent, operator, run = "", parent } = request
    const above = parent === undefined ? undefined : boxes.get(parent)
    if (parent !== undefined && (above === undefined || above.killed))
      throw refuse("the run that this one is started by is not open", "a child ends with its parent: start both anew")
    const parents = above && [above.who.run, above.who.agent, ...(above.who.parents ?? [])]
    if (front.killed?.({ agent, operator, run, boxed: true, ...(parents && { parents }) }))
      throw refuse("the agent is under a kill", "an approver lifts it: nanoguard resume")
    if (run !== "" && !hasMounted(ctx, run))
      throw refuse("that run is over, and does not come again", "start another: nanoguard run")
    const live = await openBox(options, request, above, (run) => boxes.get(run)?.channel.send({ event: "heard" }))
    const box: Box = {
      ...{ ...live, refusals: 0, waiting: new Map(), killed: false, met: false, alone: undefined },
      channel: createChannel(() => leaveAlone(box, ALONE)),
    }
    boxes.set(live.who.run, box)
    if (closed) {
      await letGo(box)
      throw new GateGone()
    }
    leaveAlone(box, FIRST)
    // A kill that came meanwhile found no box.
    if (front.killed?.(live.who)) cutOne(box)
    return live.opened
  }

  const end: Boxes["end"] = async (run, { exit }) => {
    const box = boxes.get(run)
    if (box === undefined) return undefined
    boxes.delete(run)
    // A child has nothing that its parent has not.
    for (const child of [...boxes.values()].filter(({ request }) => request.parent === run))
      cutOne(child, "the run that it belongs to is over")
    shut(box)
    box.channel.close()
    removeMounted(ctx, run)
    const { requests, bytes } = box.server.counts()
    const event = boxEvent(options, box)
    const seconds = Math.round((ctx.now() - box.started) / 1000)
    const ended = store.append({
      ...{ ...event, type: "sandbox.ended", outcome: "released" },
      detail: {
        ...{ ...event.detail, requests, bytes, refusals: box.refusals, seconds },
        ...(exit !== undefined && { exit }),
        ...(box.killed && { killed: true }),
      },
    })
    const [summary] = await Promise.all([options.summarise(box.who.visit), ended])
    return summary && { ...summary, heard: bytes > 0 }
  }

  /** Leaves a box to the next gate, or ends it where nothing of it was ever more than asked for. */
  const letGo = async (box: Box) => {
    const { run } = box.who
    if (box.request.run === undefined && !box.met && isUnbegun(ctx, run)) return void (await end(run, {}))
    boxes.delete(run)
    shut(box)
    box.channel.close()
  }

  return {
    open: async (request) => {
      if (closed) throw new GateGone()
      const known = request.run === undefined ? undefined : boxes.get(request.run)
      if (known !== undefined && !known.killed && known.who.agent === request.agent) return known.opened
      if (known !== undefined) throw refuse("that run is under a kill, or another agent's", "start one of its own")
      if (boxes.size + opening.size >= MAX_BOXES)
        throw new NanoguardError("there are too many boxes", { exit: EXIT.environment, hint: "end some: nanoguard ps" })
      const one = open(request)
      opening.add(one)
      return one.finally(() => opening.delete(one))
    },
    list: async () => {
      const spent = await spentBy(store.db, [...boxes.keys()])
      return [...boxes.values()].map((box) => ({
        ...rowOf(box, spent.get(box.who.run) ?? 0),
        ...(paused.size > 0 && { paused: [...paused][0]! }),
      }))
    },
    has: (run) => boxes.has(run),
    follow: (run, response) => {
      const box = boxes.get(run)
      if (box === undefined) return void response.end()
      clearTimeout(box.alone)
      box.met = true
      const first: BoxEvent[] = [{ event: "open", paused: [...paused] }]
      if (box.server.heard()) first.push({ event: "heard" })
      if (box.killed) first.push({ event: "killed" })
      else first.push(...[...paused].map((why) => ({ event: "pause" as const, why })))
      box.channel.attach(response, first)
    },
    end,
    refused: ({ run }, { requestId, error, verdict, approval }) => {
      const box = boxes.get(run)
      if (box === undefined) return
      box.refusals += 1
      const { subject, code } = verdict
      const asked = approval === undefined ? {} : { approval: approval.id }
      box.channel.send({ event: "refused", requestId, subject, code, text: error, ...asked })
    },
    held: ({ run }, approval, subject) => {
      const box = boxes.get(run)
      if (box === undefined) return () => {}
      const { waiting, channel } = box
      waiting.set(approval, (waiting.get(approval) ?? 0) + 1)
      channel.send({ event: "held", approval, subject })
      return (state) => {
        const left = (waiting.get(approval) ?? 1) - 1
        if (left > 0) waiting.set(approval, left)
        else waiting.delete(approval)
        channel.send({ event: "released", approval, state })
      }
    },
    get someWait() {
      return [...boxes.values()].some(({ waiting }) => waiting.size > 0)
    },
    cut: (isKilled) => {
      for (const box of boxes.values()) if (isKilled(box.who)) cutOne(box)
    },
    pause: (why, on) => {
      if (paused.has(why) === on) return
      if (on) paused.add(why)
      else paused.delete(why)
      for (const { channel } of boxes.values()) channel.send({ event: on ? "pause" : "resume", why })
    },
    close: async () => {
      closed = true
      const { onTrouble } = options.server
      const left = [...boxes.values()].map((box) => letGo(box).catch(onTrouble))
      await Promise.allSettled([...left, ...opening])
    },
  }
}

function rowOf({ who, request, started, server, refusals, waiting, channel }: Box, spend: number): BoxRow {
  return {
    ...{ run: who.run, agent: who.agent, operator: who.operator, engine: request.engine, started },
    ...{ ...server.counts(), refusals, held: waiting.size, spend, attended: channel.attended },
    ...(request.parent !== undefined && { parent: request.parent }),
  }
}

const refuse = (message: string, hint: string) => new NanoguardError(message, { exit: EXIT.findings, hint })
