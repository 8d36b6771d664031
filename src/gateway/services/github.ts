// GitHub: REST (docs.github.com/en/rest), GraphQL, uploads, and git on the site itself. Operations are the names of its OpenAPI description.
import { classifyGit, gitNeedsBody } from "./git.ts"
import { classifyGraphql } from "./graphql.ts"
import { readRoutes } from "./routes.ts"
import { byMethod, byRoute, type Found, isRead, type Service, withoutPrefix } from "./service.ts"
import type { SeenRequest } from "./types.ts"

const routes = readRoutes(`
  GET    /user                                                       users.get-authenticated          you
  GET    /repos/{owner}/{repo}                                       repos.get                        repository {owner}/{repo}
  PATCH  /repos/{owner}/{repo}                                       repos.update                     repository {owner}/{repo}
  DELETE /repos/{owner}/{repo}                                       repos.delete                     repository {owner}/{repo}
  POST   /user/repos                                                 repos.create-for-authenticated-user a repository
  POST   /orgs/{org}/repos                                           repos.create-in-org              a repository of {org}
  POST   /repos/{owner}/{repo}/forks                                 repos.create-fork                fork of {owner}/{repo}
  POST   /repos/{owner}/{repo}/transfer                              repos.transfer                   repository {owner}/{repo}
  POST   /repos/{owner}/{repo}/generate                              repos.create-using-template      a repository from {owner}/{repo}
  GET    /repos/{owner}/{repo}/contents/{+path}                      repos.get-content                file {path} of {owner}/{repo}
  PUT    /repos/{owner}/{repo}/contents/{+path}                      repos.create-or-update-file-contents file {path} of {owner}/{repo}
  DELETE /repos/{owner}/{repo}/contents/{+path}                      repos.delete-file                file {path} of {owner}/{repo}
  POST   /repos/{owner}/{repo}/merges                                repos.merge                      branches of {owner}/{repo}
  POST   /repos/{owner}/{repo}/merge-upstream                        repos.merge-upstream             a branch of {owner}/{repo}
  POST   /repos/{owner}/{repo}/branches/{branch}/rename              repos.rename-branch              branch {branch} of {owner}/{repo}
  PUT    /repos/{owner}/{repo}/branches/{branch}/protection          repos.update-branch-protection   protection of branch {branch} of {owner}/{repo}
  DELETE /repos/{owner}/{repo}/branches/{branch}/protection          repos.delete-branch-protection   protection of branch {branch} of {owner}/{repo}
  PUT    /repos/{owner}/{repo}/collaborators/{username}              repos.add-collaborator           {username} as collaborator of {owner}/{repo}
  DELETE /repos/{owner}/{repo}/collaborators/{username}              repos.remove-collaborator        {username} as collaborator of {owner}/{repo}
  POST   /repos/{owner}/{repo}/keys                                  repos.create-deploy-key          a deploy key of {owner}/{repo}
  POST   /repos/{owner}/{repo}/hooks                                 repos.create-webhook             a webhook of {owner}/{repo}
  PATCH  /repos/{owner}/{repo}/hooks/{hook_id}                       repos.update-webhook             webhook {hook_id} of {owner}/{repo}
  DELETE /repos/{owner}/{repo}/hooks/{hook_id}                       repos.delete-webhook             webhook {hook_id} of {owner}/{repo}
  POST   /repos/{owner}/{repo}/dispatches                            repos.create-dispatch-event      an event in {owner}/{repo}
  POST   /repos/{owner}/{repo}/deployments                           repos.create-deployment          a deployment of {owner}/{repo}
  POST   /repos/{owner}/{repo}/statuses/{sha}                        repos.create-commit-status       status of commit {sha} of {owner}/{repo}
  POST   /repos/{owner}/{repo}/commits/{commit_sha}/comments         repos.create-commit-comment      a comment on commit {commit_sha} of {owner}/{repo}
  POST   /repos/{owner}/{repo}/releases                              repos.create-release             a release of {owner}/{repo}
  PATCH  /repos/{owner}/{repo}/releases/{release_id}                 repos.update-release             release {release_id} of {owner}/{repo}
  DELETE /repos/{owner}/{repo}/releases/{release_id}                 repos.delete-release             release {release_id} of {owner}/{repo}
  POST   /repos/{owner}/{repo}/releases/{release_id}/assets          repos.upload-release-asset       a file of release {release_id} of {owner}/{repo}
  DELETE /repos/{owner}/{repo}/releases/assets/{asset_id}            repos.delete-release-asset       file {asset_id} of a release of {owner}/{repo}
  POST   /repos/{owner}/{repo}/releases/generate-notes               repos.generate-release-notes     notes of a release of {owner}/{repo}
  POST   /repos/{owner}/{repo}/pages                                 repos.create-pages-site          the site of {owner}/{repo}
  PUT    /repos/{owner}/{repo}/topics                                repos.replace-all-topics         topics of {owner}/{repo}
  GET    /repos/{owner}/{repo}/pulls                                 pulls.list                       pull requests of {owner}/{repo}
  POST   /repos/{owner}/{repo}/pulls                                 pulls.create                     a pull request in {owner}/{repo}
  GET    /repos/{owner}/{repo}/pulls/{pull_number}                   pulls.get                        pull request {owner}/{repo}#{pull_number}
  PATCH  /repos/{owner}/{repo}/pulls/{pull_number}                   pulls.update                     pull request {owner}/{repo}#{pull_number}
  PUT    /repos/{owner}/{repo}/pulls/{pull_number}/merge             pulls.merge                      pull request {owner}/{repo}#{pull_number}
  PUT    /repos/{owner}/{repo}/pulls/{pull_number}/update-branch     pulls.update-branch              pull request {owner}/{repo}#{pull_number}
  GET    /repos/{owner}/{repo}/pulls/{pull_number}/files             pulls.list-files                 pull request {owner}/{repo}#{pull_number}
  POST   /repos/{owner}/{repo}/pulls/{pull_number}/comments          pulls.create-review-comment      pull request {owner}/{repo}#{pull_number}
  POST   /repos/{owner}/{repo}/pulls/{pull_number}/reviews           pulls.create-review              pull request {owner}/{repo}#{pull_number}
  POST   /repos/{owner}/{repo}/pulls/{pull_number}/reviews/{review_id}/events pulls.submit-review     pull request {owner}/{repo}#{pull_number}
  PUT    /repos/{owner}/{repo}/pulls/{pull_number}/reviews/{review_id}/dismissals pulls.dismiss-review pull request {owner}/{repo}#{pull_number}
  POST   /repos/{owner}/{repo}/pulls/{pull_number}/requested_reviewers pulls.request-reviewers        pull request {owner}/{repo}#{pull_number}
  GET    /repos/{owner}/{repo}/issues                                issues.list-for-repo             issues of {owner}/{repo}
  POST   /repos/{owner}/{repo}/issues                                issues.create                    an issue in {owner}/{repo}
  GET    /repos/{owner}/{repo}/issues/{issue_number}                 issues.get                       issue {owner}/{repo}#{issue_number}
  PATCH  /repos/{owner}/{repo}/issues/{issue_number}                 issues.update                    issue {owner}/{repo}#{issue_number}
  GET    /repos/{owner}/{repo}/issues/{issue_number}/comments        issues.list-comments             issue {owner}/{repo}#{issue_number}
  POST   /repos/{owner}/{repo}/issues/{issue_number}/comments        issues.create-comment            a comment on {owner}/{repo}#{issue_number}
  PATCH  /repos/{owner}/{repo}/issues/comments/{comment_id}          issues.update-comment            comment {comment_id} in {owner}/{repo}
  DELETE /repos/{owner}/{repo}/issues/comments/{comment_id}          issues.delete-comment            comment {comment_id} in {owner}/{repo}
  POST   /repos/{owner}/{repo}/issues/{issue_number}/labels          issues.add-labels                issue {owner}/{repo}#{issue_number}
  PUT    /repos/{owner}/{repo}/issues/{issue_number}/labels          issues.set-labels                issue {owner}/{repo}#{issue_number}
  DELETE /repos/{owner}/{repo}/issues/{issue_number}/labels          issues.remove-all-labels         issue {owner}/{repo}#{issue_number}
  POST   /repos/{owner}/{repo}/issues/{issue_number}/assignees       issues.add-assignees             issue {owner}/{repo}#{issue_number}
  PUT    /repos/{owner}/{repo}/issues/{issue_number}/lock            issues.lock                      issue {owner}/{repo}#{issue_number}
  DELETE /repos/{owner}/{repo}/issues/{issue_number}/lock            issues.unlock                    issue {owner}/{repo}#{issue_number}
  POST   /repos/{owner}/{repo}/git/blobs                             git.create-blob                  a blob of {owner}/{repo}
  POST   /repos/{owner}/{repo}/git/trees                             git.create-tree                  a tree of {owner}/{repo}
  POST   /repos/{owner}/{repo}/git/commits                           git.create-commit                a commit of {owner}/{repo}
  POST   /repos/{owner}/{repo}/git/tags                              git.create-tag                   a tag of {owner}/{repo}
  POST   /repos/{owner}/{repo}/git/refs                              git.create-ref                   a ref of {owner}/{repo}
  PATCH  /repos/{owner}/{repo}/git/refs/{+ref}                       git.update-ref                   ref {ref} of {owner}/{repo}
  DELETE /repos/{owner}/{repo}/git/refs/{+ref}                       git.delete-ref                   ref {ref} of {owner}/{repo}
  PUT    /repos/{owner}/{repo}/actions/secrets/{secret_name}         actions.create-or-update-repo-secret secret {secret_name} of {owner}/{repo}
  DELETE /repos/{owner}/{repo}/actions/secrets/{secret_name}         actions.delete-repo-secret       secret {secret_name} of {owner}/{repo}
  POST   /repos/{owner}/{repo}/actions/variables                     actions.create-repo-variable     a variable of {owner}/{repo}
  POST   /repos/{owner}/{repo}/actions/workflows/{workflow_id}/dispatches actions.create-workflow-dispatch workflow {workflow_id} of {owner}/{repo}
  POST   /repos/{owner}/{repo}/actions/runs/{run_id}/rerun           actions.re-run-workflow          run {run_id} of {owner}/{repo}
  POST   /repos/{owner}/{repo}/actions/runs/{run_id}/cancel          actions.cancel-workflow-run      run {run_id} of {owner}/{repo}
  POST   /repos/{owner}/{repo}/actions/runs/{run_id}/approve         actions.approve-workflow-run     run {run_id} of {owner}/{repo}
  POST   /repos/{owner}/{repo}/check-runs                            checks.create                    a check of {owner}/{repo}
  PATCH  /repos/{owner}/{repo}/check-runs/{check_run_id}             checks.update                    check {check_run_id} of {owner}/{repo}
  POST   /gists                                                      gists.create                     a gist
  PATCH  /gists/{gist_id}                                            gists.update                     gist {gist_id}
  DELETE /gists/{gist_id}                                            gists.delete                     gist {gist_id}
  POST*  /markdown                                                   markdown.render                  a text
  POST*  /markdown/raw                                               markdown.render-raw              a text
  GET    /search/code                                                search.code                      code
  GET    /search/issues                                              search.issues-and-pull-requests  issues and pull requests
  GET    /search/repositories                                        search.repos                     repositories
  POST   /app/installations/{installation_id}/access_tokens          apps.create-installation-access-token a token of installation {installation_id}
  POST   /user/keys                                                  users.create-public-ssh-key-for-authenticated-user an SSH key of yours
  PUT    /orgs/{org}/memberships/{username}                          orgs.set-membership-for-user     {username} in {org}
  PUT    /orgs/{org}/teams/{team_slug}/memberships/{username}        teams.add-or-update-membership-for-user-in-org {username} in team {org}/{team_slug}
  PUT    /user/starred/{owner}/{repo}                                activity.star-repo-for-authenticated-user repository {owner}/{repo}
`)

/** Enterprise Server has its API below these (docs.github.com/en/enterprise-server, "Getting started with the REST API"). */
const API_PREFIXES = ["/api/v3", "/api/uploads"]
const SITES = new Set(["github.com", "gist.github.com", "www.github.com", "codeload.github.com"])

const isGraphql = (path: string) => /^(\/api)?\/graphql\/?$/.test(path)
const isApi = (seen: SeenRequest) =>
  !SITES.has(seen.host) && (/^(api|uploads)\./.test(seen.host) || /^\/api\//.test(seen.path))

function classify(seen: SeenRequest): Found | Promise<Found> {
  if (isApi(seen)) {
    if (isGraphql(seen.path)) return classifyGraphql("github", seen)
    return byRoute("github", routes.find(seen.method, githubPath(seen.path)), seen)
  }
  return classifyGit(seen) ?? byMethod(seen)
}

/** The path as the documentation has it. */
const githubPath = (path: string): string => withoutPrefix(path, API_PREFIXES)

export const githubService: Service = {
  name: "github",
  hosts: ["api.github.com", "uploads.github.com", "*.github.com", "github.com", "*.githubusercontent.com"],
  routes,
  route: (seen) => (isApi(seen) ? routes.find(seen.method, githubPath(seen.path)) : undefined),
  needsBody: (head) => (isApi(head) ? isGraphql(head.path) && !isRead(head.method) : gitNeedsBody(head)),
  classify,
}
