import { describeProperties } from "../policy/properties.ts"

describeProperties(10)
