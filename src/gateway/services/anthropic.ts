// Anthropic's API (docs.claude.com/en/api). Whatever answers with a model's words counts as writing: it costs, and it is told everything.
import { readRoutes } from "./routes.ts"
import { byRoute, type Service } from "./service.ts"

const routes = readRoutes(`
  POST   /v1/messages                                  messages.create              a message
  POST*  /v1/messages/count_tokens                     messages.count-tokens        a message
  POST   /v1/complete                                  completions.create           a completion
  POST   /v1/messages/batches                          batches.create               a batch of messages
  GET    /v1/messages/batches                          batches.list                 batches
  GET    /v1/messages/batches/{id}                     batches.get                  batch {id}
  GET    /v1/messages/batches/{id}/results             batches.results              batch {id}
  POST   /v1/messages/batches/{id}/cancel              batches.cancel               batch {id}
  DELETE /v1/messages/batches/{id}                     batches.delete               batch {id}
  GET    /v1/models                                    models.list                  models
  GET    /v1/models/{id}                               models.get                   model {id}
  POST   /v1/files                                     files.create                 a file
  GET    /v1/files                                     files.list                   files
  GET    /v1/files/{id}                                files.get                    file {id}
  GET    /v1/files/{id}/content                        files.content                file {id}
  DELETE /v1/files/{id}                                files.delete                 file {id}
  POST   /v1/skills                                    skills.create                a skill
  DELETE /v1/skills/{id}                               skills.delete                skill {id}
`)

export const anthropicService: Service = {
  name: "anthropic",
  hosts: ["api.anthropic.com"],
  routes,
  route: (seen) => routes.find(seen.method, seen.path),
  classify: (seen) => ({ ...byRoute("anthropic", routes.find(seen.method, seen.path), seen), model: true }),
}
