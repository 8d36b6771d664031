// Held requests on a real PostgreSQL, by gateways and people that may do no more than write.

import { describeHolds } from "../gateway/hold/hold-suite.ts"
import { newStoreDatabase } from "../postgres.ts"

describeHolds("PostgreSQL", async (ctx) => {
  const database = await newStoreDatabase(ctx)
  return { NANOGUARD_STORE: await database.login("gateway", "nanoguard_writer") }
})
