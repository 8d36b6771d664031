// Registries of packages as places to publish to, where a rule names one: `service: npm`, `pypi`, `cargo`.
import { readRoutes } from "./routes.ts"
import { byRoute, type Found, type Service } from "./service.ts"
import type { SeenRequest } from "./types.ts"

/** npm's registry API (github.com/npm/registry, docs/REGISTRY-API.md, and what libnpmpublish, libnpmaccess and npm-profile send). */
const npm = readRoutes(`
  PUT    /-/user/{user}                             login                 a login
  DELETE /-/user/token/{token}                      token.revoke          a token
  POST   /-/v1/login                                login                 a login
  POST   /-/npm/v1/tokens                           token.create          a token
  DELETE /-/npm/v1/tokens/token/{token}             token.revoke          a token
  POST   /-/npm/v1/user                             profile.set           your profile
  PUT    /-/package/{package}/dist-tags/{tag}       dist-tag.set          dist-tag {tag} of {package}
  POST   /-/package/{package}/dist-tags/{tag}       dist-tag.set          dist-tag {tag} of {package}
  DELETE /-/package/{package}/dist-tags/{tag}       dist-tag.remove       dist-tag {tag} of {package}
  POST   /-/package/{package}/access                access.set            access to {package}
  POST   /-/package/{package}/trust                 trust.add             trusted publishers of {package}
  DELETE /-/package/{package}/trust/{id}            trust.revoke          trusted publishers of {package}
  POST   /-/npm/v1/oidc/token/exchange/package/{package} token.exchange   a token for {package}
  POST   /-/stage/package/{package}                 stage.publish         package {package}
  POST   /-/stage/{id}/approve                      stage.approve         staged package {id}
  DELETE /-/stage/{id}                              stage.reject          staged package {id}
  PUT    /-/team/{scope}/{team}/package             team.grant            packages of team {scope}:{team}
  DELETE /-/team/{scope}/{team}/package             team.revoke           packages of team {scope}:{team}
  PUT    /-/team/{scope}/{team}/user                team.add              members of team {scope}:{team}
  DELETE /-/team/{scope}/{team}/user                team.remove           members of team {scope}:{team}
  PUT    /-/org/{org}/team                          team.create           a team of {org}
  DELETE /-/team/{scope}/{team}                     team.destroy          team {scope}:{team}
  PUT    /-/org/{org}/user                          org.set               members of {org}
  DELETE /-/org/{org}/user                          org.remove            members of {org}
  POST*  /-/npm/v1/security/advisories/bulk         audit                 an audit
  POST*  /-/npm/v1/security/audits                  audit                 an audit
  POST*  /-/npm/v1/security/audits/quick            audit                 an audit
  PUT    /{package}/-rev/{revision}                 update                versions and owners of {package}
  PUT    /{scope}/{package}/-rev/{revision}         update                versions and owners of {scope}/{package}
  DELETE /{scope}/{package}/-rev/{revision}         unpublish             package {scope}/{package}
  DELETE /{package}/-rev/{revision}                 unpublish             package {package}
  DELETE /{package}/-/{file}/-rev/{revision}        unpublish             {file}
  DELETE /{scope}/{package}/-/{file}/-rev/{revision} unpublish            {file}
  PUT    /{package}                                 publish               package {package}
  PUT    /{scope}/{package}                         publish               package {scope}/{package}
`)

/** The upload API (Warehouse's documentation, "Upload API"): one form, wherever the index keeps it. */
const pypi = readRoutes(`
  POST   /                                          upload                a file
  POST   /legacy                                    upload                a file
  POST   /simple                                    upload                a file
`)

/** Cargo's registry web API (doc.rust-lang.org/cargo/reference/registry-web-api.html). */
const cargo = readRoutes(`
  PUT    /api/v1/crates/new                         publish               a crate
  DELETE /api/v1/crates/{crate}/{version}/yank      yank                  {crate} {version}
  PUT    /api/v1/crates/{crate}/{version}/unyank    unyank                {crate} {version}
  GET    /api/v1/crates/{crate}/owners              owners.list           owners of {crate}
  PUT    /api/v1/crates/{crate}/owners              owners.add            owners of {crate}
  DELETE /api/v1/crates/{crate}/owners              owners.remove         owners of {crate}
  GET    /api/v1/crates                             search                crates
`)

const service = (name: string, routes: ReturnType<typeof readRoutes>): Service => ({
  name,
  hosts: [],
  routes,
  route: (seen) => routes.find(seen.method, seen.path),
  classify: (seen: SeenRequest): Found => byRoute(name, routes.find(seen.method, seen.path), seen),
})

export const npmService: Service = service("npm", npm)
export const pypiService: Service = service("pypi", pypi)
export const cargoService: Service = service("cargo", cargo)
