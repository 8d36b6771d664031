// Tests of the built CLI need dist/ to match the sources, however the tests were started.
import { execFileSync } from "node:child_process"

export default function setup() {
  execFileSync(process.execPath, ["scripts/build.ts"], { stdio: "inherit" })
}
