// Approvals on files.
import { describeAdoption } from "./adoption-suite.ts"
import { describeApprovers } from "./approvers-suite.ts"
import { describeDecisions } from "./decisions-suite.ts"
import { describeGrants } from "./grants-suite.ts"
import { describeQueue } from "./queue-suite.ts"

for (const describe of [describeApprovers, describeQueue, describeDecisions, describeGrants, describeAdoption])
  describe("SQLite", async () => ({}))
