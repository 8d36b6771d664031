// Writes schema/nanoguard.schema.json from the schema that `policy check` uses. Run: node scripts/schema.ts
import { writeFileSync } from "node:fs"
import * as z from "zod/mini"
import { policySchema } from "../src/policy/schema.ts"
import { descriptions, oneVerb } from "../src/policy/schema-parts.ts"

/** The JSON Schema of nanoguard.yaml for editors, as text. */
export function schemaText(): string {
  const policy = policySchema()
  for (const [schema, description] of descriptions) z.globalRegistry.add(schema, { description })
  const schema = z.toJSONSchema(policy, {
    target: "draft-7",
    override: ({ zodSchema, jsonSchema }) => {
      if (oneVerb.has(zodSchema)) jsonSchema.oneOf = ["allow", "ask", "deny"].map((verb) => ({ required: [verb] }))
    },
  })
  const head = {
    title: "nanoguard policy",
    description: "nanoguard.yaml: what agents in this repository may use. Reference: docs/policy.md",
  }
  return `${JSON.stringify({ ...schema, ...head }, null, 2)}\n`
}

if (import.meta.main) {
  writeFileSync(new URL("../schema/nanoguard.schema.json", import.meta.url), schemaText())
}
