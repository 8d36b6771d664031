// Whether data has the shape of a policy, by the JSON Schema that is generated from schema.ts. Building zod's schema takes longer
// than all the rest of loading a policy, so it is only built to explain what is wrong; a test holds the two to one answer.
import policyShape from "../../schema/nanoguard.schema.json" with { type: "json" }

interface Shape {
  type?: string
  const?: unknown
  enum?: readonly unknown[]
  anyOf?: readonly Shape[]
  properties?: Readonly<Record<string, Shape>>
  required?: readonly string[]
  additionalProperties?: boolean | Shape
  propertyNames?: Shape
  items?: Shape
  pattern?: string
  minLength?: number
  maxLength?: number
  minItems?: number
  minimum?: number
  maximum?: number
  exclusiveMinimum?: number
}

/** True where the schema has nothing to object to. */
export function hasPolicyShape(data: unknown): boolean {
  return fits(policyShape as Shape, data)
}

function fits(shape: Shape, value: unknown): boolean {
  if (shape.const !== undefined && value !== shape.const) return false
  if (shape.enum && !shape.enum.includes(value)) return false
  if (shape.anyOf && !shape.anyOf.some((option) => fits(option, value))) return false
  switch (shape.type) {
    case "string":
      return typeof value === "string" && fitsText(shape, value)
    case "number":
    case "integer":
      return typeof value === "number" && fitsNumber(shape, value)
    case "boolean":
      return typeof value === "boolean"
    case "array":
      return (
        Array.isArray(value) &&
        value.length >= (shape.minItems ?? 0) &&
        value.every((item) => fits(shape.items as Shape, item))
      )
    case "object":
      return (
        typeof value === "object" &&
        value !== null &&
        !Array.isArray(value) &&
        fitsObject(shape, value as Record<string, unknown>)
      )
    default:
      return shape.anyOf !== undefined
  }
}

const patterns = new Map<string, RegExp>()

function fitsText({ pattern, minLength, maxLength }: Shape, value: string): boolean {
  if (value.length < (minLength ?? 0) || value.length > (maxLength ?? Number.POSITIVE_INFINITY)) return false
  if (pattern === undefined) return true
  let compiled = patterns.get(pattern)
  if (!compiled) {
    compiled = new RegExp(pattern)
    patterns.set(pattern, compiled)
  }
  return compiled.test(value)
}

function fitsNumber(shape: Shape, value: number): boolean {
  if (!Number.isFinite(value) || (shape.type === "integer" && !Number.isSafeInteger(value))) return false
  if (shape.exclusiveMinimum !== undefined && value <= shape.exclusiveMinimum) return false
  return value >= (shape.minimum ?? Number.NEGATIVE_INFINITY) && value <= (shape.maximum ?? Number.POSITIVE_INFINITY)
}

function fitsObject(
  { properties, required, additionalProperties, propertyNames }: Shape,
  value: Record<string, unknown>,
): boolean {
  if (required && !required.every((key) => value[key] !== undefined)) return false
  for (const key of Object.keys(value)) {
    const known = properties && Object.hasOwn(properties, key) ? properties[key] : undefined
    if (
      known
        ? !fits(known, value[key])
        : typeof additionalProperties !== "object" || !fits(additionalProperties, value[key])
    )
      return false
    if (propertyNames && !fits(propertyNames, key)) return false
  }
  return true
}
