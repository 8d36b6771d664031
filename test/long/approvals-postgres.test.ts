// Approvals on a real PostgreSQL, by gateways and people that may do no more than write.

import { describeAdoption } from "../approvals/adoption-suite.ts"
import { describeApprovers } from "../approvals/approvers-suite.ts"
import { describeDecisions } from "../approvals/decisions-suite.ts"
import { describeGrants } from "../approvals/grants-suite.ts"
import { describeQueue } from "../approvals/queue-suite.ts"
import { describeStats } from "../approvals/stats-suite.ts"
import { newStoreDatabase } from "../postgres.ts"

const SUITES = [describeApprovers, describeQueue, describeDecisions, describeGrants, describeAdoption, describeStats]

for (const describe of SUITES)
  describe("PostgreSQL", async (ctx) => {
    const database = await newStoreDatabase(ctx)
    return { NANOGUARD_STORE: await database.login("gateway", "nanoguard_writer") }
  })
