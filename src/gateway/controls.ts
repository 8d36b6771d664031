// What the control API of a gate does, over the gate's parts.

import { EXIT, NanoguardError } from "../errors.ts"
import type { CompiledPolicy } from "../policy/compiled.ts"
import type { Store } from "../store/types.ts"
import { createVaultControl } from "../vault/control.ts"
import type { OpenVault } from "../vault/open.ts"
import type { Boxes } from "./boxes/boxes.ts"
import { createApprovalControls } from "./control/approvals.ts"
import type { Controls } from "./control.ts"
import type { OpenEgress } from "./egress/open.ts"
import { requestException } from "./front/exception.ts"
import type { Front } from "./front/types.ts"
import { whyPackage } from "./front/why.ts"
import { GateGone } from "./gone.ts"
import type { LawBook } from "./law.ts"
import { summariseVisit } from "./visit.ts"

export interface ControlsOptions extends Pick<Controls, "status" | "reload" | "stop"> {
  front: Front
  law: Pick<LawBook, "current">
  origin: string
  /** Of a gate that lets out more than packages. */
  egress?: { open: OpenEgress; vault: OpenVault; boxes: Boxes } | undefined
  store: Store
  gateway: string
  /** It was told to end: nothing is opened any more. */
  isClosing: () => boolean
  /** An approver called. */
  onApprover: () => void
}

/** The control API's answers. */
export function createControls(options: ControlsOptions): Controls {
  const { front, law, origin, egress, store, gateway } = options
  const { runs } = front
  return {
    ...{ status: options.status, reload: options.reload, stop: options.stop },
    policy: () => {
      const { policy, project, texts = [] } = law.current()
      return { project, hash: policy.hash, sandbox: policy.sandbox, texts }
    },
    openRun: async (run) => {
      if (options.isClosing()) throw new GateGone()
      if (front.killed?.({ ...run, run: run.run ?? "" }))
        throw new NanoguardError("the agent is under a kill, and opens no runs", {
          exit: EXIT.environment,
          hint: "an approver lifts it: nanoguard resume",
        })
      const opened = runs.open(run)
      if (egress === undefined) return { ...opened, origin }
      const certificate = await egress.open.certificateOf(opened.run)
      const placeholders = egress.open.placeholdersOf(run.agent, opened.run)
      return { ...opened, origin, egress: { certificate, placeholders, ruled: isRuled(law.current().policy) } }
    },
    summarise: (visit, ends) => summariseVisit(front, visit, ends),
    why: (purl) => whyPackage(front, purl),
    requestException: (request) => requestException(front, request),
    ...(egress && {
      boxes: egress.boxes,
      vault: createVaultControl(egress.vault, store, gateway),
      approvals: createApprovalControls(store, egress.vault, gateway, front.now, () => {
        options.onApprover()
        egress.open.holds.wake()
      }),
      onApprover: options.onApprover,
    }),
  }
}

/** Whether a policy says anything about requests: where it does not, none but those for packages is let out. */
export function isRuled({ listRules, mode }: CompiledPolicy): boolean {
  return mode === "observe" || listRules.some(({ kind }) => kind === "network")
}
