// Linear (linear.app/developers/graphql): one GraphQL endpoint.
import { classifyGraphql } from "./graphql.ts"
import { byMethod, isRead, type Service } from "./service.ts"

const isGraphql = (path: string) => /^\/graphql\/?$/.test(path)

export const linearService: Service = {
  name: "linear",
  hosts: ["api.linear.app", "uploads.linear.app"],
  needsBody: (head) => isGraphql(head.path) && !isRead(head.method),
  classify: (seen) => (isGraphql(seen.path) ? classifyGraphql("linear", seen) : byMethod(seen)),
}
