// The engine where no other one runs: no image and no daemon, the host's own programs in namespaces of their own.
import { join } from "node:path"
import type { Context } from "../../context.ts"
import { EXIT, NanoguardError } from "../../errors.ts"
import { stateHome } from "../../home.ts"
import type { Engine, FoundBox } from "../types.ts"
import { announceMove } from "./bubblewrap/announce.ts"
import { entrances, isFrozen, killMembers, members, removeCgroup, setFrozen } from "./bubblewrap/cgroup.ts"
import { prepareLaunch } from "./bubblewrap/launch.ts"
import { awaitLaunch, type FoundLaunch, findLaunches, readLaunch, removeLaunch } from "./bubblewrap/launched.ts"
import { findMissing, probeBubblewrap } from "./bubblewrap/probe.ts"
import { continueNamespace, isStopped, killNamespace, stopNamespace, terminateCommand } from "./bubblewrap/processes.ts"
import { findProgram } from "./program.ts"

/** Bubblewrap (bwrap) 0.8.0 or newer on Linux. Its boxes are known by their directories below the state directory. */
export function createBubblewrap(ctx: Pick<Context, "cwd" | "env" | "exec">): Engine {
  const boxes = join(stateHome(ctx), "boxes")
  const launchOf = ({ run }: FoundBox) => readLaunch(join(boxes, run))
  return {
    name: "bubblewrap",
    images: false,
    probe: () => probeBubblewrap(ctx, findProgram(ctx, "bwrap")),
    missing: async () => findMissing(findProgram(ctx, "bwrap")),
    expect: announceMove,
    launch: async (spec) => {
      const bwrap = findProgram(ctx, "bwrap")
      if (bwrap === undefined)
        throw new NanoguardError("bwrap is not installed", {
          exit: EXIT.environment,
          hint: "`nanoguard doctor` says how to get it",
        })
      return prepareLaunch(spec, bwrap, join(boxes, spec.run))
    },
    list: async () => findLaunches(boxes).map(describe),
    freeze: async (box) => {
      const { launched } = launchOf(box)
      if (launched && (await setFrozen(launched.cgroup, true))) return
      const { init, ended } = await awaitLaunch(join(boxes, box.run))
      if (init) await stopNamespace(init)
      else if (!ended) throw notBegun()
    },
    thaw: async (box) => {
      const { launched, init } = launchOf(box)
      if (launched && (await setFrozen(launched.cgroup, false))) return
      if (init) continueNamespace(init)
    },
    terminate: async (box) => {
      const { init } = launchOf(box)
      if (init) terminateCommand(init)
    },
    kill: async (box) => {
      const { launched } = launchOf(box)
      if (launched && (await killMembers(launched.cgroup))) return
      const launch = await awaitLaunch(join(boxes, box.run))
      if (launch.init) await killNamespace(launch.init)
      else if (mayBegin(box, launch)) throw notBegun()
    },
    remove: async (box) => {
      const launch = launchOf(box)
      if (mayBegin(box, launch)) throw notBegun()
      const { launched } = launch
      if (launched) await removeCgroup(launched.cgroup)
      removeLaunch(join(boxes, box.run))
    },
  }
}

/**
 * Whether a box may begin after it was killed and removed. One that has a control group cannot: once that is removed a launch that has not entered
 * it comes to nothing. Nor can one whose launcher is gone.
 */
const mayBegin = (box: FoundBox, { launched, init, ended }: ReturnType<typeof readLaunch>) =>
  box.state !== "stopped" && launched && !init && !ended && entrances(launched.cgroup).length === 0

const notBegun = () =>
  new NanoguardError("the box has not begun yet, and may at any moment", {
    exit: EXIT.environment,
    hint: "try again in a moment; a launch that comes to nothing counts as over after a minute",
  })

function describe({ run, agent, launched, init, ended }: FoundLaunch): FoundBox {
  const isThere = launched !== undefined && (init !== undefined || members(launched.cgroup).length > 0)
  const frozen = isThere && (isFrozen(launched.cgroup) || (init !== undefined && isStopped(init)))
  const state = frozen ? "frozen" : init !== undefined || !ended ? "running" : "stopped"
  return { run, agent, engine: "bubblewrap", handle: init === undefined ? "" : String(init.pid), state }
}
