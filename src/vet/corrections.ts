// The way out of each finding, where there is one.
import type { CompiledPolicy } from "../policy/compiled.ts"
import type { EvidenceSet } from "./evidence.ts"
import type { VetResult } from "./vet.ts"

export async function addCorrections(
  _policy: CompiledPolicy,
  _result: VetResult,
  _evidence: EvidenceSet,
  _now: number,
): Promise<void> {}
