// A program that launches one box as nanoguard does and ends with it: state directory, workspace, user, command.

import { spawn } from "node:child_process"
import { processContext } from "../../../src/context.ts"
import { createBubblewrap } from "../../../src/sandbox/engines/bubblewrap.ts"

const [state = "", workspace = "", user = "0", ...command] = process.argv.slice(2)
const env = { PATH: "/usr/local/bin:/usr/bin:/bin", NANOGUARD_HOME: state }
const engine = createBubblewrap({ ...processContext(), env })
const {
  file,
  args,
  descriptors = [],
  ...launch
} = await engine.launch({
  ...{
    run: "run-00000000dead",
    agent: "tester",
    command,
    env: { HOME: "/tmp" },
    cwd: "/workspace",
    hostname: "box",
    tty: process.stdin.isTTY === true,
  },
  user: { uid: Number(user), gid: Number(user) },
  mounts: [
    { kind: "tmpfs", target: "/tmp", size: 1 << 20, mode: 0o1777, exec: true },
    { kind: "bind", source: workspace, target: "/workspace", write: true },
  ],
  limits: { memory: 512 << 20, pids: 128, files: 256 },
})
const child = spawn(file, args, {
  env: { ...launch.env },
  stdio: ["inherit", "inherit", "inherit", ...descriptors.map(() => "pipe" as const)],
})
descriptors.forEach((bytes, index) => {
  const stream = child.stdio[3 + index]
  if (stream && "end" in stream) stream.on("error", () => {}).end(bytes)
})
child.on("exit", async (code) => {
  await engine.remove({ run: "run-00000000dead", agent: "tester", engine: "bubblewrap", handle: "", state: "stopped" })
  process.exitCode = code ?? 1
})
