// The relay in a box: everything in there that asks the gate connects to the box's own loopback, and this passes its bytes to the gate's
// socket. It has no more rights than the command that it starts, and nothing rests on it.
//   node relay.mjs [--cwd <directory>] [--publish <port>]... [--forward <port>:<host>:<port>]... -- <command> [argument]...
//   node relay.mjs --shim <program> -- [argument]...

// Asked for by what is used of them: an import evaluates every part of a module, 5 ms for those of node:fs alone.
const load = process.getBuiltinModule ?? (await import("node:module")).createRequire(import.meta.url)
const { connect, createServer } = load("node:net")
const { join } = load("node:path")

const FAILED = 125
/** Milliseconds between two tries to reach the gate, and before a published port is offered anew after a failure. */
const AGAIN = 100
const LATER = 1_000
/** Connections that wait for callers of one published port. */
const IDLE = 4
const MOST = 4_096
const MOST_TRIES = 500

const HERE = import.meta.dirname ?? load("node:path").dirname(load("node:url").fileURLToPath(import.meta.url))
const options = readOptions(process.argv.slice(2))
const AUTHORITY = "127.0.0.1:8471"

if (options.shim !== undefined) runShim()
else runBox()

function readOptions(words) {
  const found = {
    publish: [],
    forward: [],
    port: 8471,
    patience: 10_000,
    socket: join(HERE, "gate", "gate.sock"),
  }
  const at = words.indexOf("--")
  for (let i = 0; i < at; i += 2) {
    const [name, value = ""] = [words[i], words[i + 1]]
    if (name === "--publish") found.publish.push(Number(value))
    else if (name === "--forward") found.forward.push(value)
    else if (name === "--shim") found.shim = value
    else if (name === "--cwd") found.cwd = value
    else if (name === "--socket") found.socket = value
    else if (name === "--patience") found.patience = Number(value)
    else if (name === "--port") found.port = Number(value)
    else fail(`${name} is no option of the relay`)
  }
  found.command = at < 0 ? [] : words.slice(at + 1)
  if (found.command.length === 0 && found.shim === undefined) fail("there is no command to run")
  return found
}

function fail(message) {
  process.stderr.write(`nanoguard: ${message}\n`)
  process.exit(FAILED)
}

function runBox() {
  const giveUp = setTimeout(() => fail("the gate does not answer, and nothing was started"), options.patience)
  let missing = 2
  const goOn = () => {
    if (--missing > 0) return
    for (const port of options.publish) for (let i = 0; i < IDLE; i++) offer(port)
    const [file, ...args] = options.command
    enter(options.cwd)
    start(file, args, commandEnv(), (code) => process.exit(code))
  }
  greet(() => {
    clearTimeout(giveUp)
    goOn()
  })
  // Once that is said, and while the gate thinks about it.
  setImmediate(() => {
    listen(options.port, (client) => lead(client, MOST_TRIES))
    for (const spec of options.forward) {
      const [, port, host] = /^(\d{1,5}):(.+:\d{1,5})$/.exec(spec) ?? fail(`${spec} is no <port>:<host>:<port>`)
      listen(Number(port), (client) => forward(client, host))
    }
    furnish()
    load("node:child_process")
    setImmediate(goOn)
  })
}

/** The command's directory is entered as the box's user: whoever made the box may have no right to. */
function enter(directory) {
  if (directory === undefined) return
  try {
    process.chdir(directory)
  } catch ({ code }) {
    fail(`the command's directory ${JSON.stringify(directory)} cannot be entered (${code})`)
  }
}

/** Puts settings that programs look for in their home there, unless something is there already. */
function furnish() {
  const from = join(HERE, "home")
  if (!process.env.HOME || !load("node:fs").existsSync(from)) return
  try {
    copyMissing(from, process.env.HOME)
  } catch {
    // A home that cannot be written to: these settings only help.
  }
}

/** Node's own cpSync takes two milliseconds to load. */
function copyMissing(from, to) {
  const { constants, copyFileSync, existsSync, mkdirSync, readdirSync } = load("node:fs")
  mkdirSync(to, { recursive: true })
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)]
    if (entry.isDirectory()) copyMissing(source, target)
    else if (!existsSync(target)) copyFileSync(source, target, constants.COPYFILE_EXCL)
  }
}

/** The wrappers first, and behind all what is installed into the home. */
function commandEnv() {
  const { PATH = "", HOME = "", http_proxy: proxy } = process.env
  const own = [".local/bin", ".cargo/bin", "go/bin"].map((path) => join(HOME, path))
  const bin = join(HERE, "bin")
  const found = [load("node:fs").existsSync(bin) ? bin : "", PATH, ...(HOME === "" ? [] : own)].filter(
    (path) => path !== "",
  )
  // Node's own fetch goes by the proxy only where this says so; it would cost the relay's own start 50 ms.
  return { ...process.env, PATH: found.join(":"), ...(proxy && { NODE_USE_ENV_PROXY: "1" }) }
}

// --- connections

function toGate() {
  return connect({ path: options.socket, allowHalfOpen: true })
}

function listen(port, onClient) {
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    client.on("error", () => client.destroy())
    onClient(client)
  })
  server.maxConnections = MOST
  server.on("error", (error) => server.listening || fail(`port ${port} of the box cannot be used: ${error.code}`))
  server.listen(port, "127.0.0.1")
}

/** Leads a connection to the gate; where too many come there at once, in a moment. */
function lead(client, tries) {
  const gate = toGate()
  const onGone = () => gate.destroy()
  const onFailed = (error) => {
    client.off("close", onGone)
    if (error.code !== "EAGAIN" || tries === 0 || client.destroyed) client.destroy()
    else setTimeout(lead, 10, client, tries - 1)
  }
  client.once("close", onGone)
  gate.once("error", onFailed)
  gate.once("connect", () => {
    gate.off("error", onFailed)
    client.off("close", onGone)
    if (client.destroyed) gate.destroy()
    else passBetween(client, gate)
  })
}

/** Passes bytes both ways with back-pressure; what one side ends is ended on the other, and what breaks breaks both. */
function passBetween(one, other) {
  for (const [from, to] of [
    [one, other],
    [other, one],
  ]) {
    from.on("error", () => to.destroy())
    from.on("close", () => from.readableEnded || to.destroy())
    from.pipe(to)
  }
}

/** Calls back once the gate has answered anything at all: it does so when the start of this box is in its record. */
function greet(onAnswer) {
  const socket = toGate()
  let answered = false
  socket.on("error", () => {})
  socket.once("data", () => {
    answered = true
    socket.destroy()
    onAnswer()
  })
  socket.once("close", () => answered || setTimeout(greet, AGAIN, onAnswer))
  socket.write(`GET /-/health HTTP/1.1\r\nhost: ${AUTHORITY}\r\nconnection: close\r\n\r\n`)
}

/** Calls back with the first line of the gate's answer, once its head is there; what follows is left on the socket. */
function readHead(socket, onHead) {
  let head = Buffer.alloc(0)
  const onData = (chunk) => {
    head = Buffer.concat([head, chunk])
    const end = head.indexOf("\r\n\r\n")
    if (end < 0) return head.length > 16_384 && socket.destroy()
    socket.off("data", onData)
    socket.pause()
    if (head.length > end + 4) socket.unshift(head.subarray(end + 4))
    onHead(head.subarray(0, head.indexOf("\r\n")).toString("latin1"))
  }
  socket.on("data", onData)
}

/** Raw TCP to a host, where the policy has a rule for it. */
function forward(client, host) {
  const gate = toGate()
  gate.on("error", () => client.destroy()).on("close", () => client.destroy())
  client.on("error", () => gate.destroy())
  gate.write(`CONNECT ${host} HTTP/1.1\r\nhost: ${host}\r\n\r\n`)
  readHead(gate, (line) => {
    if (/^HTTP\/1\.1 200 /.test(line)) return passBetween(client, gate)
    process.stderr.write(`nanoguard: ${host} is not reached: ${line.slice(9).replace(/[^ -~]/g, "?")}\n`)
    client.destroy()
    gate.destroy()
  })
}

/** Waits at the gate for one caller of a published port, then for the next. */
function offer(port) {
  const gate = toGate()
  let taken = false
  gate.on("error", () => {})
  gate.on("close", () => taken || setTimeout(offer, LATER, port))
  gate.write(
    `GET /-/nanoguard/publish/${port} HTTP/1.1\r\nhost: ${AUTHORITY}\r\nconnection: upgrade\r\nupgrade: nanoguard-publish\r\n\r\n`,
  )
  readHead(gate, (line) => {
    if (!/^HTTP\/1\.1 101 /.test(line)) return gate.destroy()
    taken = true
    offer(port)
    passBetween(gate, connect({ port, host: "127.0.0.1", allowHalfOpen: true }))
  })
}

// --- the command

/** Starts a command on this process's own streams, and calls back with its exit code, or 128 and the signal that ended it. */
function start(file, args, env, onExit) {
  const { spawn } = load("node:child_process")
  const child = spawn(file, args, { stdio: "inherit", env })
  // The terminal's own signals reach all of its foreground group, the command among it: they would be there twice.
  const own = load("node:tty").isatty(0) ? ["SIGINT", "SIGQUIT", "SIGWINCH", "SIGTSTP"] : ["SIGTSTP"]
  for (const signal of [
    "SIGTERM",
    "SIGHUP",
    "SIGINT",
    "SIGQUIT",
    "SIGWINCH",
    "SIGTSTP",
    "SIGUSR1",
    "SIGUSR2",
    "SIGCONT",
  ])
    process.on(signal, () => own.includes(signal) || child.kill(signal))
  // What Docker asks a box to end with: any other signal may let one go on that stands still.
  process.on("SIGPWR", () => child.kill("SIGTERM"))
  child.on("error", (error) => {
    if (child.pid !== undefined) return
    process.stderr.write(
      `nanoguard: ${file.replace(/[^ -~]/g, "?")} ${error.code === "ENOENT" ? "is not in the box" : `cannot be started: ${error.code}`}\n`,
    )
    onExit(error.code === "ENOENT" ? 127 : 126)
  })
  child.on("exit", (code, signal) => onExit(code ?? 128 + load("node:os").constants.signals[signal]))
}

/** Runs a package manager; where it failed, prints what the gate refused meanwhile, for those that say nothing of it themselves. */
function runShim() {
  const since = Date.now()
  start(options.shim, options.command, { ...process.env, NANOGUARD_SHIM: "1" }, (code) => {
    const end = () => process.exit(code)
    if (code === 0 || code > 128) return end()
    setTimeout(end, 2_000)
    const socket = toGate().on("error", end)
    let text = ""
    socket.on("data", (chunk) => {
      text += chunk.toString("utf8")
      if (text.length > 65_536) socket.destroy()
    })
    socket.on("close", () => {
      const [head, ...body] = text.split("\r\n\r\n")
      if (head.startsWith("HTTP/1.1 200 ")) process.stderr.write(body.join("\r\n\r\n"))
      end()
    })
    socket.end(`GET /-/nanoguard/v1/refusals?since=${since} HTTP/1.0\r\nhost: ${AUTHORITY}\r\n\r\n`)
  })
}
