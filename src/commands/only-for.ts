// What keeps a person's signature to what they were shown.
import type { Signer } from "../approvals/types.ts"
import { EXIT, NanoguardError } from "../errors.ts"

/** A signer that signs nothing but an answer to what was shown. */
export function onlyFor(signer: Signer, digest: string): Signer {
  return {
    name: signer.name,
    sign: async (message) => {
      if (message.split("\n")[1] !== digest)
        throw new NanoguardError("this is not what was shown: nothing was signed", {
          exit: EXIT.findings,
          hint: "look at it again",
        })
      return signer.sign(message)
    },
  }
}
