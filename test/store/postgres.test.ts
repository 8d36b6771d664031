// The store on a real PostgreSQL, by a gateway that may do no more than write.
import { newStoreDatabase } from "../postgres.ts"
import { describeStore } from "./suite.ts"

describeStore("PostgreSQL", async (ctx) => {
  const database = await newStoreDatabase(ctx)
  return { NANOGUARD_STORE: await database.login("gateway", "nanoguard_writer") }
})
