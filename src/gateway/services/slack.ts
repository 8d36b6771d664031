// Slack's Web API (docs.slack.dev/apis/web-api): methods by name, with GET and POST alike. Those that only read are listed; every other one writes.
import { type Found, isRead, type Service, strictest } from "./service.ts"
import type { SeenRequest } from "./types.ts"

/** docs.slack.dev/reference/methods; names are exact. */
const READS = new Set(
  `api.test auth.test auth.teams.list blocks.validate
  apps.event.authorizations.list apps.manifest.export apps.manifest.validate
  bookmarks.list bots.info calls.info canvases.sections.lookup chat.getPermalink chat.scheduledMessages.list
  conversations.history conversations.info conversations.list conversations.listConnectInvites conversations.members conversations.replies
  conversations.requestSharedInvite.list dnd.info dnd.teamInfo emoji.list files.info files.list files.remote.info files.remote.list
  openid.connect.userInfo pins.list reactions.get reactions.list reminders.info reminders.list search.all search.files search.messages
  slackLists.download.get slackLists.items.info slackLists.items.list stars.list
  team.accessLogs team.billableInfo team.billing.info team.externalTeams.list team.info team.integrationLogs team.preferences.list team.profile.get
  usergroups.list usergroups.users.list users.conversations users.discoverableContacts.lookup users.getPresence users.identity users.info users.list
  users.lookupByEmail users.profile.get workflows.featured.list
  admin.analytics.getFile admin.apps.activities.list admin.apps.approved.list admin.apps.config.lookup admin.apps.requests.list admin.apps.restricted.list
  admin.auth.policy.getEntities admin.barriers.list admin.conversations.ekm.listOriginalConnectedChannelInfo
  admin.conversations.getConversationPrefs admin.conversations.getCustomRetention admin.conversations.getTeams admin.conversations.lookup
  admin.conversations.restrictAccess.listGroups admin.conversations.search admin.emoji.list admin.functions.list admin.functions.permissions.lookup
  admin.inviteRequests.approved.list admin.inviteRequests.denied.list admin.inviteRequests.list admin.roles.listAssignments
  admin.teams.admins.list admin.teams.list admin.teams.owners.list admin.teams.settings.info admin.usergroups.listChannels
  admin.users.getExpiration admin.users.list admin.users.session.getSettings admin.users.session.list admin.workflows.permissions.lookup
  admin.workflows.search`
    .trim()
    .split(/\s+/),
)

function classify(seen: SeenRequest): Found {
  const method = /^\/api\/([A-Za-z0-9_.]+)\/?$/.exec(seen.path)?.[1]
  if (method !== undefined) return { operation: `slack:${method}`, access: READS.has(method) ? "read" : "write" }
  if (seen.host === "hooks.slack.com") return { operation: "slack:webhook", access: "write" }
  // Files, where an upload went to an address that `files.getUploadURLExternal` gave out.
  if (seen.host === "files.slack.com")
    return isRead(seen.method)
      ? { operation: "slack:file", access: "read" }
      : { operation: "slack:upload", access: "write" }
  return strictest(undefined)
}

export const slackService: Service = {
  name: "slack",
  hosts: ["slack.com", "*.slack.com"],
  classify,
}

/** For the documentation. */
export const SLACK_READS: ReadonlySet<string> = READS
