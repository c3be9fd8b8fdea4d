import { z } from 'zod'

import { apiPrefix, isBytesBody } from './contract/operation.ts'
import type { Answer, Operation } from './contract/operation.ts'
import { operations } from './contract/operations.ts'
import { problem, problemMediaType } from './contract/problem.ts'

type Json = Record<string, unknown>

/** The OpenAPI 3.1 document of the contract: `docs/openapi.json`, and what the server shows. */
export function openApiDocument(): Json {
  const schemas: Json = {}
  const paths: Record<string, Json> = {}
  for (const operation of operations) {
    const path = (paths[apiPrefix + operation.path] ??= {})
    path[operation.method.toLowerCase()] = operationJson(operation, schemas)
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Biwa',
      version: 'v1',
      description: 'Collects events and bulk data, stores them in tables, answers SQL, delivers results.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    security: [{ bearer: [] }, { basic: [] }],
    tags: [...new Set(operations.map(({ tag }) => tag))].map((name) => ({ name })),
    paths,
    components: {
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', description: 'The API key, in the form `accountid/hex`.' },
        basic: { type: 'http', scheme: 'basic', description: 'The API key as user name, the password empty.' },
      },
      schemas: Object.fromEntries(Object.entries(schemas).toSorted(([a], [b]) => (a < b ? -1 : 1))),
    },
  }
}

function operationJson(operation: Operation, schemas: Json): Json {
  const { id, tag, summary, description, body } = operation
  const answers = Object.entries(operation.answers).map(([status, answer]) => [status, answerJson(answer, schemas)])
  return {
    operationId: id,
    tags: [tag],
    summary,
    ...(description !== undefined && { description }),
    parameters: [
      ...parameters('path', operation.params, schemas),
      ...parameters('query', operation.query, schemas),
      ...parameters('header', operation.headers, schemas),
    ],
    ...(body !== undefined && { requestBody: bodyJson(body, schemas) }),
    responses: { ...Object.fromEntries(answers), default: problemJson(schemas) },
  }
}

/** OpenAPI forbids to describe these headers as parameters (§4.8.12.1); content negotiation says the same. */
const notParameters = new Set(['accept', 'content-type', 'authorization'])

function parameters(place: 'path' | 'query' | 'header', schema: z.ZodObject | undefined, schemas: Json): Json[] {
  return Object.entries(schema?.shape ?? {})
    .filter(([name]) => !notParameters.has(name))
    .map(([name, field]) => {
      const { description, ...rest } = schemaJson(field as z.ZodType, 'input', schemas)
      const required = place === 'path' || !(field as z.ZodType).safeParse(undefined).success
      return { name, in: place, required, ...(description !== undefined && { description }), schema: rest }
    })
}

function bodyJson(body: NonNullable<Operation['body']>, schemas: Json): Json {
  if (!isBytesBody(body)) {
    const required = !body.safeParse(undefined).success
    return { required, content: { 'application/json': { schema: schemaJson(body, 'input', schemas) } } }
  }
  const content = Object.fromEntries(body.mediaTypes.map((mediaType) => [mediaType, {}]))
  return { required: true, description: body.description, content }
}

function answerJson({ description, schema, mediaTypes }: Answer, schemas: Json): Json {
  if (schema !== undefined)
    return { description, content: { 'application/json': { schema: schemaJson(schema, 'output', schemas) } } }
  if (mediaTypes === undefined) return { description }
  return { description, content: Object.fromEntries(mediaTypes.map((mediaType) => [mediaType, {}])) }
}

function problemJson(schemas: Json): Json {
  return {
    description: 'A failure (RFC 9457).',
    content: { [problemMediaType]: { schema: schemaJson(problem, 'output', schemas) } },
  }
}

/** The document as it is committed. */
export function openApiText(): string {
  return `${JSON.stringify(openApiDocument(), null, 2)}\n`
}

/** The JSON schema of a value. What carries an id in the contract goes into `schemas` and is referred to. */
function schemaJson(schema: z.ZodType, io: 'input' | 'output', schemas: Json): Json {
  // Only what lies inside of another schema becomes a reference, so it is put into one.
  const wrapped = z.toJSONSchema(z.object({ it: schema }), {
    io,
    target: 'draft-2020-12',
    override: ({ jsonSchema }) => {
      // The format says it, without a pattern of three lines.
      if (jsonSchema.format !== undefined) delete jsonSchema.pattern
      // Answers may get more fields one day: clients are not to refuse them.
      if (io === 'output') delete jsonSchema.additionalProperties
    },
  })
  const text = JSON.stringify(wrapped).replaceAll('"#/$defs/', '"#/components/schemas/')
  const { properties, $defs = {} } = JSON.parse(text) as { properties: { it: Json }; $defs?: Record<string, Json> }
  for (const [name, { id: _, ...definition }] of Object.entries($defs)) schemas[name] = definition
  return properties.it
}
