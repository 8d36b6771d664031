// Kills on a real PostgreSQL, by gateways and people that may do no more than write.
import { newStoreDatabase } from "../../postgres.ts"
import { describeKills } from "../../sandbox/kills/suite.ts"

describeKills("PostgreSQL", async (ctx) => {
  const database = await newStoreDatabase(ctx)
  return { NANOGUARD_STORE: await database.login("gateway", "nanoguard_writer") }
})
