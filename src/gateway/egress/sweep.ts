// Looks after connections whose clients are too slow: heads that do not end, bodies that stand still, answers that nobody takes.
import type { IncomingMessage, ServerResponse } from "node:http"
import type { TLSSocket } from "node:tls"

/** What is known of a connection for that. Times are milliseconds of `performance.now()`. */
export interface Watched {
  socket: TLSSocket
  /** Requests under way. */
  active: number
  /** Since when nothing is under way. */
  idleSince: number
  /** Since when the head of a request is under way; 0 where none of it came. */
  headSince: number
  /** What was read and written when it last was looked at, and when that changed. */
  read: number
  written: number
  movedAt: number
  /** The request under way, where its body is not all there. */
  request: IncomingMessage | undefined
}

export interface Watch {
  fresh: () => Omit<Watched, "socket">
  add: (watched: Watched) => void
  begin: (watched: Watched, request: IncomingMessage, response: ServerResponse) => void
  /** It is no connection of requests any more. */
  release: (watched: Watched) => void
  close: () => void
}

/** Looks at all connections several times within the shortest limit; all are in milliseconds. */
export function createWatch(limits: { headers: number; idle: number; stall: number }): Watch {
  const all = new Set<Watched>()
  const look = () => {
    const now = performance.now()
    for (const watched of all) if (isSlow(watched, now, limits)) watched.socket.destroy()
  }
  const timer = setInterval(look, Math.min(2_500, limits.headers / 2, limits.idle / 2, limits.stall / 2))
  timer.unref()
  return {
    fresh: () => {
      const now = performance.now()
      const nothing = { active: 0, headSince: 0, read: 0, written: 0, request: undefined }
      return { ...nothing, idleSince: now, movedAt: now }
    },
    add: (watched) => {
      watched.read = watched.socket.bytesRead
      all.add(watched)
      watched.socket.once("close", () => all.delete(watched))
    },
    begin: (watched, request, response) => {
      watched.active += 1
      watched.request = request
      watched.movedAt = performance.now()
      response.once("close", () => {
        watched.active -= 1
        if (watched.request === request) watched.request = undefined
        watched.idleSince = performance.now()
        watched.headSince = 0
        watched.read = watched.socket.bytesRead
      })
    },
    release: (watched) => void all.delete(watched),
    close: () => clearInterval(timer),
  }
}

function isSlow(watched: Watched, now: number, limits: { headers: number; idle: number; stall: number }): boolean {
  const { socket, request } = watched
  const { bytesRead, bytesWritten } = socket
  const readMore = bytesRead !== watched.read
  if (watched.active === 0) {
    if (readMore && watched.headSince === 0) watched.headSince = now
    if (watched.headSince > 0 && socket.alpnProtocol !== "h2" && now - watched.headSince > limits.headers) return true
    return watched.headSince === 0 && now - watched.idleSince > limits.idle
  }
  // Only who is waited for can be too slow: not while people decide, and not while the origin takes nothing.
  const owesBody = request !== undefined && !request.complete && request.readableFlowing === true
  const owesTaking = socket.writableLength > 0
  if (readMore || bytesWritten !== watched.written || !(owesBody || owesTaking)) watched.movedAt = now
  watched.read = bytesRead
  watched.written = bytesWritten
  return now - watched.movedAt > limits.stall
}
