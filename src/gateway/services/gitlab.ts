// GitLab's REST API v4 (docs.gitlab.com/api/rest), its GraphQL endpoint, and git on the same host. A project is its number or its escaped path.
import { readMediaType } from "./body.ts"
import { classifyGit, gitNeedsBody } from "./git.ts"
import { classifyGraphql } from "./graphql.ts"
import { type Route, readRoutes } from "./routes.ts"
import { byMethod, byRoute, type Found, isRead, type Service } from "./service.ts"
import type { SeenRequest } from "./types.ts"

const routes = readRoutes(`
  GET    /projects/{id}                                                projects.get               project {id}
  POST   /projects                                                     projects.create            a project
  PUT    /projects/{id}                                                projects.update            project {id}
  DELETE /projects/{id}                                                projects.delete            project {id}
  POST   /projects/{id}/fork                                           projects.fork              project {id}
  POST   /projects/{id}/archive                                        projects.archive           project {id}
  PUT    /projects/{id}/transfer                                       projects.transfer          project {id}
  POST   /projects/{id}/share                                          projects.share             project {id}
  POST   /projects/{id}/hooks                                          projects.create-hook       a webhook of project {id}
  PUT    /projects/{id}/hooks/{hook_id}                                projects.update-hook       webhook {hook_id} of project {id}
  DELETE /projects/{id}/hooks/{hook_id}                                projects.delete-hook       webhook {hook_id} of project {id}
  POST   /projects/{id}/members                                        members.create             a member of project {id}
  PUT    /projects/{id}/members/{user_id}                              members.update             member {user_id} of project {id}
  DELETE /projects/{id}/members/{user_id}                              members.delete             member {user_id} of project {id}
  POST   /groups/{id}/members                                          members.create-in-group    a member of group {id}
  POST   /projects/{id}/deploy_keys                                    deploy-keys.create         a deploy key of project {id}
  POST   /projects/{id}/deploy_tokens                                  deploy-tokens.create       a deploy token of project {id}
  POST   /projects/{id}/access_tokens                                  access-tokens.create       an access token of project {id}
  POST   /projects/{id}/variables                                      variables.create           a variable of project {id}
  PUT    /projects/{id}/variables/{key}                                variables.update           variable {key} of project {id}
  DELETE /projects/{id}/variables/{key}                                variables.delete           variable {key} of project {id}
  GET    /projects/{id}/merge_requests                                 merge-requests.list        merge requests of project {id}
  POST   /projects/{id}/merge_requests                                 merge-requests.create      a merge request in project {id}
  GET    /projects/{id}/merge_requests/{merge_request_iid}             merge-requests.get         merge request {id}!{merge_request_iid}
  PUT    /projects/{id}/merge_requests/{merge_request_iid}             merge-requests.update      merge request {id}!{merge_request_iid}
  DELETE /projects/{id}/merge_requests/{merge_request_iid}             merge-requests.delete      merge request {id}!{merge_request_iid}
  PUT    /projects/{id}/merge_requests/{merge_request_iid}/merge       merge-requests.merge       merge request {id}!{merge_request_iid}
  PUT    /projects/{id}/merge_requests/{merge_request_iid}/rebase      merge-requests.rebase      merge request {id}!{merge_request_iid}
  POST   /projects/{id}/merge_requests/{merge_request_iid}/approve     merge-requests.approve     merge request {id}!{merge_request_iid}
  POST   /projects/{id}/merge_requests/{merge_request_iid}/unapprove   merge-requests.unapprove   merge request {id}!{merge_request_iid}
  POST   /projects/{id}/merge_requests/{merge_request_iid}/notes       merge-requests.create-note a note on merge request {id}!{merge_request_iid}
  POST   /projects/{id}/merge_requests/{merge_request_iid}/discussions merge-requests.create-discussion a thread on merge request {id}!{merge_request_iid}
  GET    /projects/{id}/issues                                         issues.list                issues of project {id}
  POST   /projects/{id}/issues                                         issues.create              an issue in project {id}
  GET    /projects/{id}/issues/{issue_iid}                             issues.get                 issue {id}#{issue_iid}
  PUT    /projects/{id}/issues/{issue_iid}                             issues.update              issue {id}#{issue_iid}
  DELETE /projects/{id}/issues/{issue_iid}                             issues.delete              issue {id}#{issue_iid}
  POST   /projects/{id}/issues/{issue_iid}/notes                       issues.create-note         a note on issue {id}#{issue_iid}
  GET    /projects/{id}/repository/files/{file_path}                   files.get                  file {file_path} of project {id}
  POST   /projects/{id}/repository/files/{file_path}                   files.create               file {file_path} of project {id}
  PUT    /projects/{id}/repository/files/{file_path}                   files.update               file {file_path} of project {id}
  DELETE /projects/{id}/repository/files/{file_path}                   files.delete               file {file_path} of project {id}
  POST   /projects/{id}/repository/commits                             commits.create             a commit of project {id}
  POST   /projects/{id}/repository/commits/{sha}/cherry_pick           commits.cherry-pick        commit {sha} of project {id}
  POST   /projects/{id}/repository/commits/{sha}/revert                commits.revert             commit {sha} of project {id}
  POST   /projects/{id}/repository/commits/{sha}/comments              commits.create-comment     commit {sha} of project {id}
  POST   /projects/{id}/statuses/{sha}                                 commits.set-status         commit {sha} of project {id}
  POST   /projects/{id}/repository/branches                            branches.create            a branch of project {id}
  DELETE /projects/{id}/repository/branches/{branch}                   branches.delete            branch {branch} of project {id}
  POST   /projects/{id}/protected_branches                             branches.protect           a branch of project {id}
  DELETE /projects/{id}/protected_branches/{name}                      branches.unprotect         branch {name} of project {id}
  POST   /projects/{id}/repository/tags                                tags.create                a tag of project {id}
  DELETE /projects/{id}/repository/tags/{tag_name}                     tags.delete                tag {tag_name} of project {id}
  POST   /projects/{id}/releases                                       releases.create            a release of project {id}
  PUT    /projects/{id}/releases/{tag_name}                            releases.update            release {tag_name} of project {id}
  DELETE /projects/{id}/releases/{tag_name}                            releases.delete            release {tag_name} of project {id}
  POST   /projects/{id}/pipeline                                       pipelines.create           a pipeline of project {id}
  POST   /projects/{id}/trigger/pipeline                               pipelines.trigger          a pipeline of project {id}
  POST   /projects/{id}/pipelines/{pipeline_id}/retry                  pipelines.retry            pipeline {pipeline_id} of project {id}
  POST   /projects/{id}/pipelines/{pipeline_id}/cancel                 pipelines.cancel           pipeline {pipeline_id} of project {id}
  POST   /projects/{id}/jobs/{job_id}/play                             jobs.play                  job {job_id} of project {id}
  POST   /projects/{id}/jobs/{job_id}/retry                            jobs.retry                 job {job_id} of project {id}
  POST   /projects/{id}/uploads                                        projects.upload            a file of project {id}
  PUT    /projects/{id}/packages/generic/{package}/{version}/{file}    packages.upload            {package} {version} in project {id}
  POST   /projects/{id}/snippets                                       snippets.create            a snippet of project {id}
  POST   /snippets                                                     snippets.create-personal   a snippet
  POST   /projects/{id}/ci/lint                                        ci.lint                    configuration of project {id}
  POST*  /markdown                                                     markdown.render            a text
  GET    /user                                                         users.current              you
  POST   /user/keys                                                    users.create-key           an SSH key of yours
  POST   /user/personal_access_tokens                                  users.create-token         an access token of yours
`)

const API = "/api/v4"
const isGraphql = (path: string) => /^\/api\/graphql\/?$/.test(path)

/** By the path below the API's version. Its router takes a format at the end; a file's own name may end in .json, too. */
function findRoute({ method, path }: SeenRequest): Route | undefined {
  const below = path.slice(API.length)
  return routes.find(method, below) ?? routes.find(method, below.replace(/\.json$/, ""))
}

function classify(seen: SeenRequest): Found | Promise<Found> {
  if (isGraphql(seen.path)) return classifyGraphql("gitlab", seen)
  if (!seen.path.startsWith(`${API}/`)) return classifyGit(seen) ?? byMethod(seen)
  return byRoute("gitlab", findRoute(seen), seen)
}

/** Rack, below GitLab, takes `_method` from the form of a POST: urlencoded, multipart, or without a type. */
const mayOverride = (head: SeenRequest) =>
  head.method === "POST" && /^$|^application\/x-www-form-urlencoded$|^multipart\//.test(typeOf(head))

/** Of a type that is none to us, Rack reads what stands before the first comma: it may be any. */
const typeOf = (head: SeenRequest) => readMediaType(head.headers["content-type"]).type

export const gitlabService: Service = {
  name: "gitlab",
  hosts: ["gitlab.com"],
  routes,
  route: (seen) => (seen.path.startsWith(`${API}/`) ? findRoute(seen) : undefined),
  needsBody: (head) => (isGraphql(head.path) && !isRead(head.method)) || gitNeedsBody(head) || mayOverride(head),
  mayOverride,
  classify,
}
