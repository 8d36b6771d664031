// Every protocol that the gate speaks.
import type { Ecosystem } from "../../policy/types.ts"
import type { Protocol } from "../types.ts"
import { cargoProtocol } from "./cargo/index.ts"
import { golangProtocol } from "./golang/index.ts"
import { npmProtocol } from "./npm/index.ts"
import { pypiProtocol } from "./pypi/index.ts"

/** By ecosystem. What a protocol parsed only ever goes back to the same one. */
export const PROTOCOLS: ReadonlyMap<Ecosystem, Protocol> = new Map(
  [npmProtocol, pypiProtocol, cargoProtocol, golangProtocol].map((protocol) => [
    protocol.ecosystem,
    protocol as Protocol,
  ]),
)
