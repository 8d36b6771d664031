// What is wrong with data that has not the shape of a policy. zod comes along with it, so it is loaded only to say so.
import { throwIssue } from "./issues.ts"
import { keysAt } from "./keys.ts"
import { policySchema } from "./schema.ts"
import type { YamlFile } from "./yaml.ts"

/** Throws a configuration error with place, problem and suggestion; returns where the schema has nothing to object to. */
export function explainShape(yaml: YamlFile): void {
  const schema = policySchema()
  const result = schema.safeParse(yaml.data)
  if (!result.success) throwIssue(result.error.issues, yaml, (path) => keysAt(schema, path))
}
