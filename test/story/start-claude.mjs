// Starts Claude Code in a box as somebody who has used it before: its first questions (theme, key, trust) are answered.
import { spawnSync } from "node:child_process"
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs"
import { homedir } from "node:os"
import { join } from "node:path"

const key = process.env.ANTHROPIC_API_KEY ?? ""
const settings = {
  hasCompletedOnboarding: true,
  theme: "dark",
  officialMarketplaceAutoInstallAttempted: true,
  installMethod: "native",
  customApiKeyResponses: { approved: [key.slice(-20)], rejected: [] },
  projects: { [process.cwd()]: { hasTrustDialogAccepted: true, hasCompletedProjectOnboarding: true } },
}
mkdirSync(join(homedir(), ".local", "bin"), { recursive: true })
symlinkSync("/opt/tools/claude", join(homedir(), ".local", "bin", "claude"))
writeFileSync(join(homedir(), ".claude.json"), JSON.stringify(settings))
const { status } = spawnSync("/opt/tools/claude", [...process.argv.slice(2), "--allowedTools", "Bash"], {
  stdio: "inherit",
})
process.exit(status ?? 1)
