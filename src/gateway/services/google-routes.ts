// Requests of Google's APIs, as their discovery documents name them (developers.google.com/discovery); a custom verb is a segment of its own.
import { type Routes, readRoutes } from "./routes.ts"

const gmail = readRoutes(`
  GET    /gmail/v1/users/{user_id}/profile                                      gmail.users.getProfile
  POST   /gmail/v1/users/{user_id}/stop                                         gmail.users.stop
  POST   /gmail/v1/users/{user_id}/watch                                        gmail.users.watch
  POST   /gmail/v1/users/{user_id}/drafts                                       gmail.users.drafts.create  a draft of an e-mail
  DELETE /gmail/v1/users/{user_id}/drafts/{id}                                  gmail.users.drafts.delete
  GET    /gmail/v1/users/{user_id}/drafts/{id}                                  gmail.users.drafts.get
  GET    /gmail/v1/users/{user_id}/drafts                                       gmail.users.drafts.list
  POST   /gmail/v1/users/{user_id}/drafts/send                                  gmail.users.drafts.send  a draft of an e-mail
  PUT    /gmail/v1/users/{user_id}/drafts/{id}                                  gmail.users.drafts.update  draft {id}
  GET    /gmail/v1/users/{user_id}/history                                      gmail.users.history.list
  POST   /gmail/v1/users/{user_id}/labels                                       gmail.users.labels.create
  DELETE /gmail/v1/users/{user_id}/labels/{id}                                  gmail.users.labels.delete
  GET    /gmail/v1/users/{user_id}/labels/{id}                                  gmail.users.labels.get
  GET    /gmail/v1/users/{user_id}/labels                                       gmail.users.labels.list
  PATCH  /gmail/v1/users/{user_id}/labels/{id}                                  gmail.users.labels.patch
  PUT    /gmail/v1/users/{user_id}/labels/{id}                                  gmail.users.labels.update
  POST   /gmail/v1/users/{user_id}/messages/batchDelete                         gmail.users.messages.batchDelete
  POST   /gmail/v1/users/{user_id}/messages/batchModify                         gmail.users.messages.batchModify
  DELETE /gmail/v1/users/{user_id}/messages/{id}                                gmail.users.messages.delete  message {id}
  GET    /gmail/v1/users/{user_id}/messages/{id}                                gmail.users.messages.get
  POST   /gmail/v1/users/{user_id}/messages/import                              gmail.users.messages.import  an e-mail into the mailbox
  POST   /gmail/v1/users/{user_id}/messages                                     gmail.users.messages.insert  an e-mail into the mailbox
  GET    /gmail/v1/users/{user_id}/messages                                     gmail.users.messages.list
  POST   /gmail/v1/users/{user_id}/messages/{id}/modify                         gmail.users.messages.modify
  POST   /gmail/v1/users/{user_id}/messages/send                                gmail.users.messages.send  an e-mail
  POST   /gmail/v1/users/{user_id}/messages/{id}/trash                          gmail.users.messages.trash  message {id}
  POST   /gmail/v1/users/{user_id}/messages/{id}/untrash                        gmail.users.messages.untrash
  GET    /gmail/v1/users/{user_id}/messages/{message_id}/attachments/{id}       gmail.users.messages.attachments.get
  GET    /gmail/v1/users/{user_id}/settings/autoForwarding                      gmail.users.settings.getAutoForwarding
  GET    /gmail/v1/users/{user_id}/settings/imap                                gmail.users.settings.getImap
  GET    /gmail/v1/users/{user_id}/settings/language                            gmail.users.settings.getLanguage
  GET    /gmail/v1/users/{user_id}/settings/pop                                 gmail.users.settings.getPop
  GET    /gmail/v1/users/{user_id}/settings/vacation                            gmail.users.settings.getVacation
  PUT    /gmail/v1/users/{user_id}/settings/autoForwarding                      gmail.users.settings.updateAutoForwarding  automatic forwarding
  PUT    /gmail/v1/users/{user_id}/settings/imap                                gmail.users.settings.updateImap
  PUT    /gmail/v1/users/{user_id}/settings/language                            gmail.users.settings.updateLanguage
  PUT    /gmail/v1/users/{user_id}/settings/pop                                 gmail.users.settings.updatePop
  PUT    /gmail/v1/users/{user_id}/settings/vacation                            gmail.users.settings.updateVacation
  POST   /gmail/v1/users/{user_id}/settings/delegates                           gmail.users.settings.delegates.create  a delegate
  DELETE /gmail/v1/users/{user_id}/settings/delegates/{delegate_email}          gmail.users.settings.delegates.delete
  GET    /gmail/v1/users/{user_id}/settings/delegates/{delegate_email}          gmail.users.settings.delegates.get
  GET    /gmail/v1/users/{user_id}/settings/delegates                           gmail.users.settings.delegates.list
  POST   /gmail/v1/users/{user_id}/settings/filters                             gmail.users.settings.filters.create  a filter
  DELETE /gmail/v1/users/{user_id}/settings/filters/{id}                        gmail.users.settings.filters.delete
  GET    /gmail/v1/users/{user_id}/settings/filters/{id}                        gmail.users.settings.filters.get
  GET    /gmail/v1/users/{user_id}/settings/filters                             gmail.users.settings.filters.list
  POST   /gmail/v1/users/{user_id}/settings/forwardingAddresses                 gmail.users.settings.forwardingAddresses.create  a forwarding address
  DELETE /gmail/v1/users/{user_id}/settings/forwardingAddresses/{forwarding_email} gmail.users.settings.forwardingAddresses.delete
  GET    /gmail/v1/users/{user_id}/settings/forwardingAddresses/{forwarding_email} gmail.users.settings.forwardingAddresses.get
  GET    /gmail/v1/users/{user_id}/settings/forwardingAddresses                 gmail.users.settings.forwardingAddresses.list
  POST   /gmail/v1/users/{user_id}/settings/sendAs                              gmail.users.settings.sendAs.create
  DELETE /gmail/v1/users/{user_id}/settings/sendAs/{send_as_email}              gmail.users.settings.sendAs.delete
  GET    /gmail/v1/users/{user_id}/settings/sendAs/{send_as_email}              gmail.users.settings.sendAs.get
  GET    /gmail/v1/users/{user_id}/settings/sendAs                              gmail.users.settings.sendAs.list
  PATCH  /gmail/v1/users/{user_id}/settings/sendAs/{send_as_email}              gmail.users.settings.sendAs.patch
  PUT    /gmail/v1/users/{user_id}/settings/sendAs/{send_as_email}              gmail.users.settings.sendAs.update
  POST   /gmail/v1/users/{user_id}/settings/sendAs/{send_as_email}/verify       gmail.users.settings.sendAs.verify
  DELETE /gmail/v1/users/{user_id}/threads/{id}                                 gmail.users.threads.delete  thread {id}
  GET    /gmail/v1/users/{user_id}/threads/{id}                                 gmail.users.threads.get
  GET    /gmail/v1/users/{user_id}/threads                                      gmail.users.threads.list
  POST   /gmail/v1/users/{user_id}/threads/{id}/modify                          gmail.users.threads.modify
  POST   /gmail/v1/users/{user_id}/threads/{id}/trash                           gmail.users.threads.trash
  POST   /gmail/v1/users/{user_id}/threads/{id}/untrash                         gmail.users.threads.untrash
`)

const drive = readRoutes(`
  GET    /drive/v3/about                                                        drive.about.get
  GET    /drive/v3/files/{file_id}/accessproposals/{proposal_id}                drive.accessproposals.get
  GET    /drive/v3/files/{file_id}/accessproposals                              drive.accessproposals.list
  POST   /drive/v3/files/{file_id}/accessproposals/{proposal_id}/:resolve       drive.accessproposals.resolve
  POST   /drive/v3/files/{file_id}/approvals/{approval_id}/:approve             drive.approvals.approve
  POST   /drive/v3/files/{file_id}/approvals/{approval_id}/:cancel              drive.approvals.cancel
  POST   /drive/v3/files/{file_id}/approvals/{approval_id}/:comment             drive.approvals.comment
  POST   /drive/v3/files/{file_id}/approvals/{approval_id}/:decline             drive.approvals.decline
  GET    /drive/v3/files/{file_id}/approvals/{approval_id}                      drive.approvals.get
  GET    /drive/v3/files/{file_id}/approvals                                    drive.approvals.list
  POST   /drive/v3/files/{file_id}/approvals/{approval_id}/:reassign            drive.approvals.reassign
  POST   /drive/v3/files/{file_id}/approvals/:start                             drive.approvals.start
  GET    /drive/v3/apps/{app_id}                                                drive.apps.get
  GET    /drive/v3/apps                                                         drive.apps.list
  GET    /drive/v3/changes/startPageToken                                       drive.changes.getStartPageToken
  GET    /drive/v3/changes                                                      drive.changes.list
  POST   /drive/v3/changes/watch                                                drive.changes.watch
  POST   /drive/v3/channels/stop                                                drive.channels.stop
  POST   /drive/v3/files/{file_id}/comments                                     drive.comments.create  a comment on file {file_id}
  DELETE /drive/v3/files/{file_id}/comments/{comment_id}                        drive.comments.delete
  GET    /drive/v3/files/{file_id}/comments/{comment_id}                        drive.comments.get
  GET    /drive/v3/files/{file_id}/comments                                     drive.comments.list
  PATCH  /drive/v3/files/{file_id}/comments/{comment_id}                        drive.comments.update
  POST   /drive/v3/drives                                                       drive.drives.create
  DELETE /drive/v3/drives/{drive_id}                                            drive.drives.delete
  GET    /drive/v3/drives/{drive_id}                                            drive.drives.get
  POST   /drive/v3/drives/{drive_id}/hide                                       drive.drives.hide
  GET    /drive/v3/drives                                                       drive.drives.list
  POST   /drive/v3/drives/{drive_id}/unhide                                     drive.drives.unhide
  PATCH  /drive/v3/drives/{drive_id}                                            drive.drives.update
  POST   /drive/v3/files/{file_id}/copy                                         drive.files.copy  file {file_id}
  POST   /drive/v3/files                                                        drive.files.create  a file
  DELETE /drive/v3/files/{file_id}                                              drive.files.delete  file {file_id}
  POST   /drive/v3/files/{file_id}/download                                     drive.files.download
  DELETE /drive/v3/files/trash                                                  drive.files.emptyTrash  the trash
  GET    /drive/v3/files/{file_id}/export                                       drive.files.export
  GET    /drive/v3/files/generateCseToken                                       drive.files.generateCseToken
  GET    /drive/v3/files/generateIds                                            drive.files.generateIds
  GET    /drive/v3/files/{file_id}                                              drive.files.get
  GET    /drive/v3/files                                                        drive.files.list
  GET    /drive/v3/files/{file_id}/listLabels                                   drive.files.listLabels
  POST   /drive/v3/files/{file_id}/modifyLabels                                 drive.files.modifyLabels
  PATCH  /drive/v3/files/{file_id}                                              drive.files.update  file {file_id}
  POST   /drive/v3/files/{file_id}/watch                                        drive.files.watch
  GET    /drive/v3/operations/{name}                                            drive.operations.get
  POST   /drive/v3/files/{file_id}/permissions                                  drive.permissions.create  a permission on file {file_id}
  DELETE /drive/v3/files/{file_id}/permissions/{permission_id}                  drive.permissions.delete  permission {permission_id} on file {file_id}
  GET    /drive/v3/files/{file_id}/permissions/{permission_id}                  drive.permissions.get
  GET    /drive/v3/files/{file_id}/permissions                                  drive.permissions.list
  PATCH  /drive/v3/files/{file_id}/permissions/{permission_id}                  drive.permissions.update  permission {permission_id} on file {file_id}
  POST   /drive/v3/files/{file_id}/comments/{comment_id}/replies                drive.replies.create
  DELETE /drive/v3/files/{file_id}/comments/{comment_id}/replies/{reply_id}     drive.replies.delete
  GET    /drive/v3/files/{file_id}/comments/{comment_id}/replies/{reply_id}     drive.replies.get
  GET    /drive/v3/files/{file_id}/comments/{comment_id}/replies                drive.replies.list
  PATCH  /drive/v3/files/{file_id}/comments/{comment_id}/replies/{reply_id}     drive.replies.update
  DELETE /drive/v3/files/{file_id}/revisions/{revision_id}                      drive.revisions.delete
  GET    /drive/v3/files/{file_id}/revisions/{revision_id}                      drive.revisions.get
  GET    /drive/v3/files/{file_id}/revisions                                    drive.revisions.list
  PATCH  /drive/v3/files/{file_id}/revisions/{revision_id}                      drive.revisions.update
`)

const calendar = readRoutes(`
  DELETE /calendar/v3/calendars/{calendar_id}/acl/{rule_id}                     calendar.acl.delete
  GET    /calendar/v3/calendars/{calendar_id}/acl/{rule_id}                     calendar.acl.get
  POST   /calendar/v3/calendars/{calendar_id}/acl                               calendar.acl.insert  access to calendar {calendar_id}
  GET    /calendar/v3/calendars/{calendar_id}/acl                               calendar.acl.list
  PATCH  /calendar/v3/calendars/{calendar_id}/acl/{rule_id}                     calendar.acl.patch
  PUT    /calendar/v3/calendars/{calendar_id}/acl/{rule_id}                     calendar.acl.update
  POST   /calendar/v3/calendars/{calendar_id}/acl/watch                         calendar.acl.watch
  DELETE /calendar/v3/users/me/calendarList/{calendar_id}                       calendar.calendarList.delete
  GET    /calendar/v3/users/me/calendarList/{calendar_id}                       calendar.calendarList.get
  POST   /calendar/v3/users/me/calendarList                                     calendar.calendarList.insert
  GET    /calendar/v3/users/me/calendarList                                     calendar.calendarList.list
  PATCH  /calendar/v3/users/me/calendarList/{calendar_id}                       calendar.calendarList.patch
  PUT    /calendar/v3/users/me/calendarList/{calendar_id}                       calendar.calendarList.update
  POST   /calendar/v3/users/me/calendarList/watch                               calendar.calendarList.watch
  POST   /calendar/v3/calendars/{calendar_id}/clear                             calendar.calendars.clear  calendar {calendar_id}
  DELETE /calendar/v3/calendars/{calendar_id}                                   calendar.calendars.delete  calendar {calendar_id}
  GET    /calendar/v3/calendars/{calendar_id}                                   calendar.calendars.get
  POST   /calendar/v3/calendars                                                 calendar.calendars.insert
  PATCH  /calendar/v3/calendars/{calendar_id}                                   calendar.calendars.patch
  POST   /calendar/v3/calendars/{calendar_id}/transferOwnership                 calendar.calendars.transferOwnership
  PUT    /calendar/v3/calendars/{calendar_id}                                   calendar.calendars.update
  POST   /calendar/v3/channels/stop                                             calendar.channels.stop
  GET    /calendar/v3/colors                                                    calendar.colors.get
  DELETE /calendar/v3/calendars/{calendar_id}/events/{event_id}                 calendar.events.delete  event {event_id} in calendar {calendar_id}
  GET    /calendar/v3/calendars/{calendar_id}/events/{event_id}                 calendar.events.get
  POST   /calendar/v3/calendars/{calendar_id}/events/import                     calendar.events.import
  POST   /calendar/v3/calendars/{calendar_id}/events                            calendar.events.insert  an event in calendar {calendar_id}
  GET    /calendar/v3/calendars/{calendar_id}/events/{event_id}/instances       calendar.events.instances
  GET    /calendar/v3/calendars/{calendar_id}/events                            calendar.events.list
  POST   /calendar/v3/calendars/{calendar_id}/events/{event_id}/move            calendar.events.move  event {event_id} in calendar {calendar_id}
  PATCH  /calendar/v3/calendars/{calendar_id}/events/{event_id}                 calendar.events.patch  event {event_id} in calendar {calendar_id}
  POST   /calendar/v3/calendars/{calendar_id}/events/quickAdd                   calendar.events.quickAdd  an event in calendar {calendar_id}
  PUT    /calendar/v3/calendars/{calendar_id}/events/{event_id}                 calendar.events.update  event {event_id} in calendar {calendar_id}
  POST   /calendar/v3/calendars/{calendar_id}/events/watch                      calendar.events.watch
  POST*  /calendar/v3/freeBusy                                                  calendar.freebusy.query
  GET    /calendar/v3/users/me/settings/{setting}                               calendar.settings.get
  GET    /calendar/v3/users/me/settings                                         calendar.settings.list
  POST   /calendar/v3/users/me/settings/watch                                   calendar.settings.watch
`)

const sheets = readRoutes(`
  POST   /v4/spreadsheets/{spreadsheet_id}/:batchUpdate                         sheets.spreadsheets.batchUpdate  spreadsheet {spreadsheet_id}
  POST   /v4/spreadsheets                                                       sheets.spreadsheets.create  a spreadsheet
  GET    /v4/spreadsheets/{spreadsheet_id}                                      sheets.spreadsheets.get
  POST*  /v4/spreadsheets/{spreadsheet_id}/:getByDataFilter                     sheets.spreadsheets.getByDataFilter
  GET    /v4/spreadsheets/{spreadsheet_id}/developerMetadata/{metadata_id}      sheets.spreadsheets.developerMetadata.get
  POST*  /v4/spreadsheets/{spreadsheet_id}/developerMetadata/:search            sheets.spreadsheets.developerMetadata.search
  POST   /v4/spreadsheets/{spreadsheet_id}/sheets/{sheet_id}/:copyTo            sheets.spreadsheets.sheets.copyTo
  POST   /v4/spreadsheets/{spreadsheet_id}/values/{range}/:append               sheets.spreadsheets.values.append  {range} of spreadsheet {spreadsheet_id}
  POST   /v4/spreadsheets/{spreadsheet_id}/values/:batchClear                   sheets.spreadsheets.values.batchClear  spreadsheet {spreadsheet_id}
  POST   /v4/spreadsheets/{spreadsheet_id}/values/:batchClearByDataFilter       sheets.spreadsheets.values.batchClearByDataFilter
  GET    /v4/spreadsheets/{spreadsheet_id}/values/:batchGet                     sheets.spreadsheets.values.batchGet
  POST*  /v4/spreadsheets/{spreadsheet_id}/values/:batchGetByDataFilter         sheets.spreadsheets.values.batchGetByDataFilter
  POST   /v4/spreadsheets/{spreadsheet_id}/values/:batchUpdate                  sheets.spreadsheets.values.batchUpdate  spreadsheet {spreadsheet_id}
  POST   /v4/spreadsheets/{spreadsheet_id}/values/:batchUpdateByDataFilter      sheets.spreadsheets.values.batchUpdateByDataFilter
  POST   /v4/spreadsheets/{spreadsheet_id}/values/{range}/:clear                sheets.spreadsheets.values.clear  {range} of spreadsheet {spreadsheet_id}
  GET    /v4/spreadsheets/{spreadsheet_id}/values/{range}                       sheets.spreadsheets.values.get
  PUT    /v4/spreadsheets/{spreadsheet_id}/values/{range}                       sheets.spreadsheets.values.update  {range} of spreadsheet {spreadsheet_id}
`)

const docs = readRoutes(`
  POST   /v1/documents/{document_id}/:batchUpdate                               docs.documents.batchUpdate  document {document_id}
  POST   /v1/documents                                                          docs.documents.create  a document
  GET    /v1/documents/{document_id}                                            docs.documents.get
`)

const generativelanguage = readRoutes(`
  GET    /v1/models                                                             generativelanguage.models.list
  GET    /v1/models/{model}                                                     generativelanguage.models.get  model {model}
  POST   /v1/models/{model}/:generateContent                                    generativelanguage.models.generateContent  model {model}
  POST   /v1/models/{model}/:streamGenerateContent                              generativelanguage.models.streamGenerateContent  model {model}
  POST*  /v1/models/{model}/:countTokens                                        generativelanguage.models.countTokens  model {model}
  POST   /v1/models/{model}/:embedContent                                       generativelanguage.models.embedContent  model {model}
  POST   /v1/models/{model}/:batchEmbedContents                                 generativelanguage.models.batchEmbedContents  model {model}
  POST   /v1/models/{model}/:predict                                            generativelanguage.models.predict  model {model}
  GET    /v1beta/models                                                         generativelanguage.models.list
  GET    /v1beta/models/{model}                                                 generativelanguage.models.get  model {model}
  POST   /v1beta/models/{model}/:generateContent                                generativelanguage.models.generateContent  model {model}
  POST   /v1beta/models/{model}/:streamGenerateContent                          generativelanguage.models.streamGenerateContent  model {model}
  POST*  /v1beta/models/{model}/:countTokens                                    generativelanguage.models.countTokens  model {model}
  POST   /v1beta/models/{model}/:embedContent                                   generativelanguage.models.embedContent  model {model}
  POST   /v1beta/models/{model}/:batchEmbedContents                             generativelanguage.models.batchEmbedContents  model {model}
  POST   /v1beta/models/{model}/:predict                                        generativelanguage.models.predict  model {model}
  POST   /v1beta/cachedContents                                                 generativelanguage.cachedContents.create  cached content
  DELETE /v1beta/cachedContents/{id}                                            generativelanguage.cachedContents.delete  cached content {id}
  POST   /v1beta/files                                                          generativelanguage.files.create  a file
  GET    /v1beta/files                                                          generativelanguage.files.list
  GET    /v1beta/files/{file}                                                   generativelanguage.files.get  file {file}
  DELETE /v1beta/files/{file}                                                   generativelanguage.files.delete  file {file}
`)

/** By API. */
export const GOOGLE_ROUTES: ReadonlyMap<string, Routes> = new Map(
  Object.entries({ gmail, drive, calendar, sheets, docs, generativelanguage }),
)
