// OpenAI's API (platform.openai.com/docs/api-reference), and those that speak it too. What answers with a model's words counts as writing.
import { readRoutes } from "./routes.ts"
import { byRoute, type Service, withoutPrefix } from "./service.ts"

const routes = readRoutes(`
  POST   /responses                                    responses.create             a response
  GET    /responses/{id}                               responses.get                response {id}
  DELETE /responses/{id}                               responses.delete             response {id}
  POST   /responses/{id}/cancel                        responses.cancel             response {id}
  POST   /responses/compact                            responses.compact            a conversation
  POST*  /responses/input_tokens                       responses.input-tokens       a response
  POST   /chat/completions                             chat.completions.create      a chat completion
  GET    /chat/completions/{id}                        chat.completions.get         chat completion {id}
  DELETE /chat/completions/{id}                        chat.completions.delete      chat completion {id}
  POST   /completions                                  completions.create           a completion
  POST   /embeddings                                   embeddings.create            embeddings
  POST   /moderations                                  moderations.create           a moderation
  POST   /images/generations                           images.generate              an image
  POST   /images/edits                                 images.edit                  an image
  POST   /audio/speech                                 audio.speech.create          speech
  POST   /audio/transcriptions                         audio.transcriptions.create  a transcription
  POST   /audio/translations                           audio.translations.create    a translation
  GET    /models                                       models.list                  models
  GET    /models/{+id}                                 models.get                   model {id}
  DELETE /models/{id}                                  models.delete                model {id}
  POST   /files                                        files.create                 a file
  GET    /files                                        files.list                   files
  GET    /files/{id}                                   files.get                    file {id}
  GET    /files/{id}/content                           files.content                file {id}
  DELETE /files/{id}                                   files.delete                 file {id}
  POST   /batches                                      batches.create               a batch
  GET    /batches/{id}                                 batches.get                  batch {id}
  POST   /batches/{id}/cancel                          batches.cancel               batch {id}
  POST   /fine_tuning/jobs                             fine-tuning.jobs.create      a fine-tuning job
  POST   /fine_tuning/jobs/{id}/cancel                 fine-tuning.jobs.cancel      fine-tuning job {id}
  POST   /vector_stores                                vector-stores.create         a vector store
  DELETE /vector_stores/{id}                           vector-stores.delete         vector store {id}
  POST*  /vector_stores/{id}/search                    vector-stores.search         vector store {id}
  POST   /realtime/client_secrets                      realtime.client-secrets.create a client secret
  POST   /uploads                                      uploads.create               an upload
`)

/** Where the compatible ones keep the same paths: their own documentation of base addresses. */
const PREFIXES = ["/v1", "/api/v1", "/openai/v1", "/inference/v1", "/v1beta/openai", "/backend-api/codex"]

const openaiPath = (path: string): string => withoutPrefix(path, PREFIXES)

export const openaiService: Service = {
  name: "openai",
  hosts: [
    "api.openai.com",
    "chatgpt.com",
    "openrouter.ai",
    "api.groq.com",
    "api.mistral.ai",
    "api.deepseek.com",
    "api.x.ai",
    "api.together.xyz",
    "api.fireworks.ai",
    "api.cerebras.ai",
  ],
  routes,
  route: (seen) => routes.find(seen.method, openaiPath(seen.path)),
  classify: (seen) => ({ ...byRoute("openai", routes.find(seen.method, openaiPath(seen.path)), seen), model: true }),
}
