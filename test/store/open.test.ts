// The store on files, held to what every store does.
import { describeStore } from "./suite.ts"

describeStore("SQLite", async () => ({}))
