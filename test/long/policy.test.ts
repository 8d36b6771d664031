import { describeProperties } from "../policy/properties.ts"

// .ci/run takes a sample, `npm run test:full` the whole; either on top of what the unit suite runs of the same properties.
describeProperties(process.env["NANOGUARD_SAMPLE"] ? 2 : 10)
