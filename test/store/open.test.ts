// The store on files, held to what every store does.
import { describeLax } from "./lax-suite.ts"
import { describeStore } from "./suite.ts"

const prepare = async () => ({})

describeStore("SQLite", prepare)
describeLax("SQLite", prepare)
