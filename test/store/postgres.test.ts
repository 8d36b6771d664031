// The store on a real PostgreSQL, by a gateway that may do no more than write.
import { newStoreDatabase } from "../postgres.ts"
import { describeLax } from "./lax-suite.ts"
import { describeStore, type Prepare } from "./suite.ts"

const prepare: Prepare = async (ctx) => {
  const database = await newStoreDatabase(ctx)
  return { NANOGUARD_STORE: await database.login("gateway", "nanoguard_writer") }
}

describeStore("PostgreSQL", prepare)
describeLax("PostgreSQL", prepare)
