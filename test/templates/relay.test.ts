// The relay of a box as a real process: what it passes, what it starts, and how it ends.
import { type ChildProcess, spawn } from "node:child_process"
import { chmodSync, copyFileSync, cpSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs"
import { connect, createServer, type Server, type Socket } from "node:net"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { beforeEach, describe, expect, onTestFinished, test } from "vitest"
import { temporaryDirectory } from "../context.ts"

// Below those that the system gives out by itself (32768 and up): nobody else takes one meanwhile.
let port = 11_000 + Math.floor(Math.random() * 20_000)
let directory: string
beforeEach(() => {
  port += 7
  directory = temporaryDirectory()
  copyFileSync("templates/box/relay.mjs", join(directory, "relay.mjs"))
  mkdirSync(join(directory, "gate"))
})

/** A gate that greets, and hands on whatever else comes. */
async function startGate(onConnection: (socket: Socket, first: string) => void = (socket) => socket.end()) {
  const sockets = new Set<Socket>()
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket)
    socket.on("error", () => {}).on("close", () => sockets.delete(socket))
    // Whoever leaves without a word is waited for no longer: this end is half open by itself.
    socket.on("end", () => socket.bytesRead === 0 && socket.destroy())
    socket.once("data", (chunk) => {
      const first = chunk.toString("latin1")
      if (first.startsWith("GET /-/health ")) socket.end("HTTP/1.1 200 OK\r\n\r\n")
      else onConnection(socket, first)
    })
  })
  const path = join(directory, "gate", "gate.sock")
  await new Promise<void>((resolve) => server.listen(path, resolve))
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { sockets }
}

function startRelay(command: readonly string[], options: readonly string[] = [], env: Record<string, string> = {}) {
  const words = [join(directory, "relay.mjs"), "--port", String(port), ...options, "--", ...command]
  const child: ChildProcess = spawn(process.execPath, words, {
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH: process.env["PATH"], ...env },
  })
  onTestFinished(() => void child.kill("SIGKILL"))
  let out = ""
  child.stdout!.on("data", (chunk) => {
    out += chunk
  })
  child.stderr!.on("data", (chunk) => {
    out += chunk
  })
  const exit = new Promise<{ code: number | null; out: string }>((resolve) =>
    child.once("close", (code) => resolve({ code, out })),
  )
  const printed = async (text: string) => {
    while (!out.includes(text)) await sleep(10)
  }
  return { child, exit, printed }
}

const node = (script: string) => [process.execPath, "-e", script]

describe("the command", () => {
  test("runs once the gate has answered, with its output and its exit code", async () => {
    const relay = startRelay(["sh", "-c", "echo out; echo err >&2; exit 7"])
    await sleep(300)
    await startGate()
    expect(await relay.exit).toEqual({ code: 7, out: "out\nerr\n" })
  })

  test("ends with 128 and the signal that ended it", async () => {
    await startGate()
    expect((await startRelay(["sh", "-c", "kill -9 $$"]).exit).code).toBe(137)
  })

  test("that is not there, or cannot be run", async () => {
    await startGate()
    expect(await startRelay(["no-such-program"]).exit).toMatchObject({ code: 127, out: /cannot be started: ENOENT/ })
    writeFileSync(join(directory, "plain"), "")
    port += 1
    expect(await startRelay([join(directory, "plain")]).exit).toMatchObject({ code: 126 })
  })

  test("is never started where no gate answers", async () => {
    const { code, out } = await startRelay(["echo", "started"], ["--patience", "300"]).exit
    expect([code, out]).toEqual([125, "nanoguard: the gate does not answer, and nothing was started\n"])
  })

  test.each(["SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGWINCH", "SIGCONT"] as const)(
    "gets %s",
    async (signal) => {
      await startGate()
      const relay = startRelay(
        node(`process.on("${signal}", () => process.exit(42)); console.log("on"); setInterval(() => {}, 1000)`),
      )
      await relay.printed("on")
      relay.child.kill(signal)
      expect((await relay.exit).code).toBe(42)
    },
  )

  test("is asked to end where Docker asks its box to", async () => {
    await startGate()
    const relay = startRelay(
      node(`process.on("SIGTERM", () => process.exit(42)); console.log("on"); setInterval(() => {}, 1000)`),
    )
    await relay.printed("on")
    relay.child.kill("SIGPWR")
    expect((await relay.exit).code).toBe(42)
  })

  test("has the wrappers in front of its path, and settings in its home where there are none", async () => {
    await startGate()
    mkdirSync(join(directory, "bin"))
    mkdirSync(join(directory, "home", ".cargo"), { recursive: true })
    writeFileSync(join(directory, "home", ".cargo", "config.toml"), "given")
    writeFileSync(join(directory, "home", "kept"), "given")
    const home = temporaryDirectory({ kept: "own" })
    const script = 'cat $HOME/.cargo/config.toml $HOME/kept; echo; echo "$PATH"; echo "$NODE_USE_ENV_PROXY"'
    const env = { HOME: home, http_proxy: "http://127.0.0.1:8471" }
    const lines = (await startRelay(["sh", "-c", script], [], env).exit).out.split("\n")
    expect(lines[0]).toBe("givenown")
    expect(lines[1]!.startsWith(`${directory}/bin:`)).toBe(true)
    expect(lines[2]).toBe("1")
  })
})

describe("connections", () => {
  const listening = async () => {
    const relay = startRelay(node('console.log("on"); setInterval(() => {}, 1000)'))
    await relay.printed("on")
    return relay
  }

  test("pass both ways, each end by itself", async () => {
    await startGate((socket, first) => {
      let all = first
      socket.on("data", (chunk) => {
        all += chunk
      })
      socket.on("end", () => socket.end(`got ${all.length}`))
    })
    await listening()
    const client = connect({ port, host: "127.0.0.1", allowHalfOpen: true })
    client.end("x".repeat(1_000_000))
    let answer = ""
    for await (const chunk of client) answer += chunk
    expect(answer).toBe("got 1000000")
  })

  test("a thousand at once", async () => {
    await startGate((socket, first) => socket.end(`echo ${first}`))
    await listening()
    const answers = await Promise.all(
      Array.from(
        { length: 1_000 },
        (_, i) =>
          new Promise<string>((resolve, reject) => {
            const client = connect({ port, host: "127.0.0.1" }, () => client.write(`n${i}`))
            let text = ""
            client.on("data", (chunk) => {
              text += chunk
            })
            client.on("close", () => resolve(text)).on("error", reject)
          }),
      ),
    )
    expect(answers).toEqual(Array.from({ length: 1_000 }, (_, i) => `echo n${i}`))
  })

  test("that are reset do not harm others, and leave nothing behind", async () => {
    const gate = await startGate((socket) => {
      // A gate ends its half, too, once the other is over: all of this may have been taken by then.
      socket.on("end", () => socket.destroy()).write("x".repeat(100_000))
    })
    const relay = await listening()
    for (let i = 0; i < 200; i++) {
      const client = connect({ port, host: "127.0.0.1" }, () => {
        client.write("hello")
        setTimeout(() => client.resetAndDestroy(), i % 20)
      })
      client.on("error", () => {})
    }
    await sleep(300)
    while (gate.sockets.size > 0) await sleep(20)
    const client = connect({ port, host: "127.0.0.1" }, () => client.write("hello"))
    await new Promise((resolve) => client.once("data", resolve))
    client.destroy()
    expect(relay.child.exitCode).toBeNull()
  })

  test("a port that is published is offered to the gate, and led to the command's own", async () => {
    const inBox = port + 3
    const offers: Socket[] = []
    await startGate((socket, first) => {
      if (first.startsWith(`GET /-/nanoguard/publish/${inBox} `)) offers.push(socket)
      else socket.destroy()
    })
    const script = `require("net").createServer((socket) => socket.on("data", (chunk) => socket.end("got " + chunk)))
      .listen(${inBox}, "127.0.0.1", () => console.log("on"))`
    const relay = startRelay(node(script), ["--publish", String(inBox)])
    await relay.printed("on")
    while (offers.length < 4) await sleep(10)
    offers[0]!.write("HTTP/1.1 101 Switching Protocols\r\n\r\nhello")
    let got = ""
    for await (const chunk of offers[0]!) got += chunk
    expect(got).toBe("got hello")
    // Another one is offered in its place.
    while (offers.length < 5) await sleep(10)
  })

  test("raw TCP is asked of the gate by CONNECT", async () => {
    await startGate((socket, first) => {
      if (!first.startsWith("CONNECT db.example.com:5432 ")) return socket.end("HTTP/1.1 403 Forbidden\r\n\r\n")
      socket.write("HTTP/1.1 200 Connection established\r\n\r\nREADY")
    })
    const options = ["--forward", `${port + 1}:db.example.com:5432`, "--forward", `${port + 2}:other.example.com:22`]
    const relay = startRelay(node('console.log("on"); setInterval(() => {}, 1000)'), options)
    await relay.printed("on")
    const client = connect({ port: port + 1, host: "127.0.0.1" })
    expect(String(await new Promise((resolve) => client.once("data", resolve)))).toBe("READY")
    client.destroy()
    const other = connect({ port: port + 2, host: "127.0.0.1" })
    await new Promise((resolve) => other.once("close", resolve))
    await relay.printed("other.example.com:22 is not reached: 403 Forbidden")
  })
})

describe("the wrappers", () => {
  const openShims = () => {
    cpSync("templates/box/shim.sh", join(directory, "bin", "shim"), { recursive: true })
    chmodSync(join(directory, "bin", "shim"), 0o755)
    symlinkSync("shim", join(directory, "bin", "npm"))
    const real = temporaryDirectory()
    writeFileSync(
      join(real, "npm"),
      '#!/bin/sh\necho "real $*"\ncase $1 in nest) exec npm fail ;; fail) exit 9 ;; esac\n',
    )
    chmodSync(join(real, "npm"), 0o755)
    return `${directory}/bin:${real}:${process.env["PATH"]}`
  }
  const refusing = () =>
    startGate((socket, first) =>
      socket.end(
        /^GET \/-\/nanoguard\/v1\/refusals\?since=\d+ HTTP/.test(first)
          ? "HTTP/1.1 200 OK\r\n\r\nnanoguard: evil refused\n"
          : "",
      ),
    )

  test("say what was refused after a command that failed, once, and keep its exit code", async () => {
    const PATH = openShims()
    await refusing()
    expect(await startRelay(["npm", "fail", "a b"], [], { PATH }).exit).toEqual({
      code: 9,
      out: "real fail a b\nnanoguard: evil refused\n",
    })
    port += 1
    const nested = await startRelay(["npm", "nest"], [], { PATH }).exit
    expect(nested).toEqual({ code: 9, out: "real nest\nreal fail\nnanoguard: evil refused\n" })
    port += 1
    expect(await startRelay(["npm", "ls"], [], { PATH }).exit).toEqual({ code: 0, out: "real ls\n" })
  })

  test("are no program where there is none behind them", async () => {
    openShims()
    await startGate()
    const { code, out } = await startRelay(["npm"], [], { PATH: `${directory}/bin:/nowhere` }).exit
    expect([code, /not found|cannot be started/.test(out)]).toEqual([127, true])
  })
})
