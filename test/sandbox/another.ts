// Asks, as a user without rights, about processes and files of others: `node another.ts <home> <run> <owner>`.
import { isBeingKilled } from "../../src/sandbox/neighbours/questions.ts"
import { isOwnerAlive } from "../../src/sandbox/owner.ts"

const [home, run, owner] = process.argv.slice(2)
const killed = isBeingKilled({ env: { NANOGUARD_HOME: home } }, run!)
process.stdout.write(JSON.stringify({ killed, alive: isOwnerAlive(JSON.parse(owner!)) }))
