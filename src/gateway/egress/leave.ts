// Sockets that nobody reads while something is decided: that their clients left would be noticed by the first byte written.
import type { Duplex } from "node:stream"

const watched = new WeakMap<Duplex, () => void>()

/** Destroys a socket once its client has left. What the client sends meanwhile stays unread. */
export function watchLeaving(socket: Duplex): void {
  // Looks for the end of what comes, and takes nothing.
  const look = () => void socket.read(0)
  const leave = () => socket.destroy()
  socket.on("readable", look).once("end", leave)
  watched.set(socket, () => socket.off("readable", look).off("end", leave))
  look()
}

/** Leaves the socket to whoever reads it from here on. */
export function ceaseWatching(socket: Duplex): void {
  watched.get(socket)?.()
  watched.delete(socket)
}
