// Approvals on files.
import { describeApprovals } from "./suite.ts"

describeApprovals("SQLite", async () => ({}))
