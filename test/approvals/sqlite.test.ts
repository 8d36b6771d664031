// Approvals on files.
import { describeAdoption } from "./adoption-suite.ts"
import { describeApprovers } from "./approvers-suite.ts"
import { describeDecisions } from "./decisions-suite.ts"
import { describeGrants } from "./grants-suite.ts"
import { describeQueue } from "./queue-suite.ts"
import { describeStats } from "./stats-suite.ts"

const SUITES = [describeApprovers, describeQueue, describeDecisions, describeGrants, describeAdoption, describeStats]

for (const describe of SUITES) describe("SQLite", async () => ({}))
