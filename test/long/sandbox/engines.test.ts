// Boxes of real engines: what was asked for is what is found inside, and a box is in the hand of whoever holds its engine.
import { readFileSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { describe, expect, test } from "vitest"
import { boxOf, COUNTER, count, MiB, runBox, until } from "../../sandbox/box.ts"
import { finished, useEngine } from "../../sandbox/engines.ts"

describe.each(["docker", "docker+runsc", "podman"] as const)("%s", (name) => {
  const gvisor = name === "docker+runsc"

  test("a box is as its spec says", async (ctx) => {
    const engine = await useEngine(ctx, name)
    const script = [
      "id -u; id -g; whoami; hostname; pwd; printf '%s\\n' \"$GREETING\"",
      "grep -E '^(Cap|NoNewPrivs|Seccomp:)' /proc/self/status",
      "ulimit -n; ulimit -c; cat /etc/hosts; grep nameserver /etc/resolv.conf",
      "echo mine > file; chmod +x file",
      "{ echo x > /root-file; } 2>/dev/null || echo root-is-read-only",
      "{ echo x > /etc/file; } 2>/dev/null || echo etc-is-read-only",
      "{ echo x >> .env; } 2>/dev/null || echo mask-is-read-only; wc -c < .env; { echo x > keys/a; } 2>/dev/null || echo keys-are-hidden",
      "cp /bin/true /tmp/true && /tmp/true && echo tmp-runs; cp /bin/true ~/true; ~/true 2>/dev/null || echo home-does-not-run",
      "dd if=/dev/zero of=/tmp/big bs=1M count=32 2>&1 | grep -q 'No space' && echo tmp-is-full",
      "dd if=/dev/zero of=big bs=1M count=80 2>/dev/null; stat -c %s big",
      "node -p 'os.userInfo().username'",
      "exit 7",
    ].join("\n")
    const { spec, workspace } = boxOf(engine, script)
    writeFileSync(join(workspace, ".env"), "KEY=secret")
    const launch = await engine.methods.launch(spec)
    const { code, out, err } = await finished(engine.start(launch))
    expect(err).not.toContain("secret")
    expect(out, err).not.toContain("secret")
    const { uid, gid } = engine.user
    expect(out).toContain(`${uid}\n${gid}\nagent\nbox\n/workspace\na, "b" $c\nd\n`)
    for (const set of ["CapPrm", "CapEff", "CapBnd"]) expect(out).toContain(`${set}:\t0000000000000000`)
    if (!gvisor) expect(out).toContain("NoNewPrivs:\t1\nSeccomp:\t2\n")
    expect(out).toContain("512\n0\n127.0.0.1 localhost box\n")
    expect(out).toContain("nameserver 127.0.0.1\n")
    expect(out).toContain("root-is-read-only\netc-is-read-only\nmask-is-read-only\n0\nkeys-are-hidden\n")
    expect(out).toContain("tmp-runs\nhome-does-not-run\ntmp-is-full\n")
    // gVisor's gofer, and not the process, writes the file: it has no limit but the disk's.
    if (!gvisor) expect(out).toContain(`${64 * MiB}\nagent\n`)
    expect(code).toBe(7)
    expect(statSync(join(workspace, "file"))).toMatchObject({ uid, gid })
    expect(readFileSync(join(workspace, ".env"), "utf8")).toBe("KEY=secret")
    expect(await engine.methods.list()).toEqual([])
  })

  test("there is no network but the box's own loopback", async (ctx) => {
    const engine = await useEngine(ctx, name)
    const dial =
      "const s = net.connect(80, '192.0.2.1'); s.on('error', (e) => console.log(e.code)); dns.lookup('api.example.com', (e) => console.log(e.code))"
    const { out } = await runBox(engine, `sed 1,2d /proc/net/dev | cut -d: -f1 | tr -d ' '; node -e "${dial}"`)
    const [only, ...errors] = out.trim().split("\n")
    expect(only).toBe("lo")
    expect(errors.sort()).toEqual([
      expect.stringMatching(/^(EAI_AGAIN|ENOTFOUND)$/),
      gvisor ? "EHOSTUNREACH" : "ENETUNREACH",
    ])
  })

  test("memory has an end", async (ctx) => {
    const engine = await useEngine(ctx, name)
    // More than the limit and what a process may reserve besides it.
    const { code, out } = await runBox(engine, "perl -e '$x = \"a\" x (1600*1024*1024); print length $x'")
    expect(code).not.toBe(0)
    expect(out).toBe("")
  })

  test("processes have an end", async (ctx) => {
    if (gvisor) ctx.skip("gVisor's processes are its own: the host's limit is on its threads")
    const engine = await useEngine(ctx, name)
    const forks =
      "for (1..200) { my $p = fork; if (!defined $p) { print qq($_ $!\\n); last } if (!$p) { sleep 60; exit } } kill 9, -$$"
    const { out } = await runBox(engine, `exec perl -e 'setpgrp; $| = 1; ${forks}'`)
    const [, number, why] = /^(\d+) (.+)\n$/.exec(out) ?? []
    expect(why).toBe("Resource temporarily unavailable")
    expect(Number(number)).toBeLessThanOrEqual(64)
  })

  test("user namespaces, mounts and other systems' sockets are refused", async (ctx) => {
    if (gvisor) ctx.skip("gVisor has a kernel of its own, in which they are harmless")
    const engine = await useEngine(ctx, name)
    const vsock = "import socket\ntry:\n  socket.socket(40, 1)\n  print('vsock')\nexcept OSError as e: print('refused')"
    const { out } = await runBox(
      engine,
      `unshare -Ur true 2>/dev/null || echo no-userns; mount -t tmpfs none /tmp 2>/dev/null || echo no-mount; python3 -c "${vsock}"`,
    )
    expect(out).toBe("no-userns\nno-mount\nrefused\n")
  })

  test("a box is frozen, thawed, killed and gone", async (ctx) => {
    const engine = await useEngine(ctx, name)
    const { methods } = engine
    const { spec, workspace } = boxOf(engine, `(${COUNTER}) & wait`)
    const ended = finished(engine.start(await methods.launch(spec)))
    await until(() => count(workspace) !== "")
    const [box] = await methods.list()
    expect(box).toMatchObject({ run: spec.run, agent: "tester", engine: engine.engine, state: "running" })
    await methods.freeze(box!)
    const stood = count(workspace)
    await sleep(500)
    expect(count(workspace)).toBe(stood)
    expect(await methods.list()).toMatchObject([{ run: spec.run, state: "frozen" }])
    // Once more is nothing new.
    await methods.freeze(box!)
    await methods.thaw(box!)
    await until(() => count(workspace) !== stood)
    expect(await methods.list()).toMatchObject([{ state: "running" }])
    await methods.freeze(box!)
    await methods.kill(box!)
    expect((await ended).code).not.toBe(0)
    const last = count(workspace)
    await methods.remove(box!)
    expect(await methods.list()).toEqual([])
    expect(count(workspace)).toBe(last)
    await methods.remove(box!)
    await methods.kill(box!)
  })

  test("what never started or has stopped is found and removed, too", async (ctx) => {
    const engine = await useEngine(ctx, name)
    const { spec } = boxOf(engine, "true")
    const launch = await engine.methods.launch(spec)
    const at = launch.args.indexOf("run")
    const named = launch.args.flatMap((word, index, all) =>
      ["--name", "--label", "--network", "--ulimit", "--pull"].includes(word) ? [word, all[index + 1]!] : [],
    )
    const args = [...launch.args.slice(0, at), "create", ...named, engine.image!, "true"]
    expect((await finished(engine.start({ ...launch, args }))).code).toBe(0)
    const [box] = await engine.methods.list()
    expect(box).toMatchObject({ run: spec.run, agent: "tester" })
    await engine.methods.remove(box!)
    expect(await engine.methods.list()).toEqual([])
  })

  test("signals reach the command, its exit code comes back", async (ctx) => {
    const engine = await useEngine(ctx, name)
    const { spec, workspace } = boxOf(engine, `trap 'exit 42' TERM; ${COUNTER}`)
    const child = engine.start(await engine.methods.launch(spec))
    await until(() => count(workspace) !== "")
    // The engine's program passes signals on once it knows that the box runs.
    await until(async () => (await engine.methods.list())[0]?.state === "running")
    await sleep(500)
    child.kill("SIGTERM")
    expect((await finished(child)).code).toBe(42)
  })

  test("a terminal is a terminal, with its size", async (ctx) => {
    const engine = await useEngine(ctx, name)
    const sized =
      'until [ "$(stty size)" = "33 77" ]; do sleep 0.05; done; test -t 0 && test -t 1 && echo "a terminal"; exit 9'
    const { spec } = boxOf(engine, sized, { tty: true })
    const { file, args, env } = await engine.methods.launch(spec)
    const words = [file, ...args].map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ")
    const command = `stty rows 33 cols 77; exec ${words}`
    const child = engine.start({ file: "/usr/bin/script", args: ["-qec", command, "/dev/null"], ...(env && { env }) })
    // Its standard input stays open: at the end of it `script` sends an end of file.
    let out = ""
    child.stdout!.on("data", (chunk: Buffer) => {
      out += chunk.toString()
    })
    const code = await new Promise((resolve) => child.on("close", resolve))
    expect(out).toContain("a terminal\r\n")
    expect(code).toBe(9)
  })

  test("an image that is not here is a clear error", async (ctx) => {
    const engine = await useEngine(ctx, name)
    if (engine.engine === "podman") {
      const { code, err } = await runBox(engine, "true", { image: "no-such-image" })
      expect(code).toBe(125)
      const { explainLaunchFailure } = await import("../../../src/sandbox/engines/launchFailure.ts")
      expect(explainLaunchFailure("podman", 125, err).message).toContain("the image is not here")
    } else {
      const { spec } = boxOf(engine, "true", { image: "no-such-image" })
      await expect(engine.methods.launch(spec)).rejects.toThrow("Docker has no image no-such-image")
    }
  })

  test("its report says what it is", async (ctx) => {
    const engine = await useEngine(ctx, name)
    const report = await engine.methods.probe()
    expect(report).toMatchObject({ engine: engine.engine, available: true })
    expect(report.version).toMatch(/^\d/)
    expect(report.isolation.join()).toContain("seccomp profile")
    if (gvisor) expect(report.runtimes).toContain("runsc")
  })
})

test("many boxes of Docker are frozen at once, by one command", async (ctx) => {
  const engine = await useEngine(ctx, "docker")
  const boxes = [1, 2, 3].map(() => boxOf(engine, COUNTER))
  const ended = await Promise.all(
    boxes.map(async ({ spec }) => ({ end: finished(engine.start(await engine.methods.launch(spec))) })),
  )
  await until(() => boxes.every(({ workspace }) => count(workspace) !== ""))
  const { freezeAll, killAll } = engine.methods
  await freezeAll!(await engine.methods.list())
  expect((await engine.methods.list()).map(({ state }) => state)).toEqual(["frozen", "frozen", "frozen"])
  await killAll!(await engine.methods.list())
  await Promise.all(ended.map(({ end }) => end))
  await until(async () => (await engine.methods.list()).length === 0)
})
