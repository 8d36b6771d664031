// One seed for every property test of a run: printed by .ci/run, so that a failure can be run again.
import fc from "fast-check"

const seed = Number(process.env["NANOGUARD_SEED"])
if (Number.isInteger(seed) && seed !== 0) fc.configureGlobal({ seed })
