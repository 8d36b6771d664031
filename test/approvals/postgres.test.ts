// Approvals on a real PostgreSQL, by gateways and people that may do no more than write.
import { newStoreDatabase } from "../postgres.ts"
import { describeAdoption } from "./adoption-suite.ts"
import { describeApprovers } from "./approvers-suite.ts"
import { describeDecisions } from "./decisions-suite.ts"
import { describeGrants } from "./grants-suite.ts"
import { describeQueue } from "./queue-suite.ts"
import { describeStats } from "./stats-suite.ts"

const SUITES = [describeApprovers, describeQueue, describeDecisions, describeGrants, describeAdoption, describeStats]

for (const describe of SUITES)
  describe("PostgreSQL", async (ctx) => {
    const database = await newStoreDatabase(ctx)
    return { NANOGUARD_STORE: await database.login("gateway", "nanoguard_writer") }
  })
