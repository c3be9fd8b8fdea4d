import type { z } from 'zod'

import { AppError } from '../base/errors.ts'

/** The part of a request that a value comes from, as messages name it. */
export type InputPart = 'path' | 'query' | 'headers' | 'body'

/** The checked value, or `invalid_request` naming the first field that is wrong. */
export function checkInput<S extends z.ZodType>(schema: S, part: InputPart, value: unknown): z.output<S> {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  throw invalidInput(part, value, result.error.issues[0])
}

/**
 * Checks one part of each request of an operation. Where nothing of what the schema names was sent, which is most of the time for
 * headers and the query, the answer is known before.
 */
export function partChecker(
  schema: z.ZodObject | undefined,
  part: InputPart,
): (value: unknown) => Readonly<Record<string, unknown>> {
  if (schema === undefined) return () => nothing
  const names = Object.keys(schema.shape)
  const ofNothing = schema.safeParse({})
  return (value) => {
    const sent = value as Readonly<Record<string, unknown>>
    if (ofNothing.success && names.every((name) => sent[name] === undefined)) return ofNothing.data
    return checkInput(schema, part, value)
  }
}

const nothing: Readonly<Record<string, unknown>> = {}

function invalidInput(part: InputPart, value: unknown, issue: z.core.$ZodIssue | undefined): AppError {
  const path = issue?.path ?? []
  const field = path.join('.')
  const place = field === '' ? `The ${part}` : `“${field}” in the ${part}`
  const hint = 'See /api/v1/openapi.json for what the API takes.'
  if (issue?.code === 'unrecognized_keys')
    return new AppError('invalid_request', `${place} has unknown fields: ${issue.keys.join(', ')}.`, { hint })
  if (valueAt(value, path) === undefined) return new AppError('invalid_request', `${place} is missing.`, { hint })
  if (issue?.code === 'invalid_value') {
    const message = `${place} has to be one of: ${issue.values.join(', ')}.`
    // A format that we do not know is a question of what we support, which clients tell apart from a mistake.
    const isFormat = /(^|[.-])format$/.test(field)
    return new AppError(isFormat ? 'unsupported_format' : 'invalid_request', message, { hint })
  }
  return new AppError('invalid_request', `${place} is not valid: ${issue?.message ?? 'unknown reason'}.`, { hint })
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (inner, key) =>
      typeof inner === 'object' && inner !== null ? (inner as Record<PropertyKey, unknown>)[key] : inner,
    value,
  )
}

/** Reads JSON, whatever the Content-Type says: people forget it. An empty body is undefined. */
export function parseJson(body: Buffer): unknown {
  if (body.byteLength === 0) return undefined
  try {
    return JSON.parse(body.toString('utf8'))
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new AppError('invalid_request', `The body is not JSON: ${reason}.`, { hint: 'Send one JSON object.' })
  }
}
