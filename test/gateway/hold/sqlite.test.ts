// Held requests on files.
import { describeHolds } from "./hold-suite.ts"

describeHolds("SQLite", async () => ({}))
