import { z } from 'zod'

import { AppError } from '../../base/errors.ts'
import type { ObjectAddress } from '../../base/objects/object-address.ts'
import type { IcebergName } from '../../store/iceberg.ts'

// The shapes of the catalog's requests, as far as anything in them is looked at: clients send more, and newer ones still more.

const namespace = z.array(z.string()).min(1)
export const properties = z.record(z.string(), z.string())
export const identifier = z.object({ namespace, name: z.string() })

export const createNamespaceBody = z.object({ namespace, properties: properties.optional() })

/** Fields are checked one by one where they become columns. */
export const schema = z.object({
  'schema-id': z.number().optional(),
  fields: z.array(z.object({ id: z.number(), name: z.string(), required: z.boolean(), type: z.any() })),
})

export const createTableBody = z.object({
  name: z.string(),
  location: z.string().optional(),
  schema,
  'stage-create': z.boolean().nullish(),
  properties: properties.nullish(),
})

/** The checked body, or `invalid_request` naming the first field that is wrong. */
export function checkBody<S extends z.ZodType>(shape: S, body: unknown): z.output<S> {
  const result = shape.safeParse(body)
  if (result.success) return result.data
  const [issue] = result.error.issues
  const field = issue?.path.join('.') ?? ''
  throw new AppError('invalid_request', `${field === '' ? 'The body' : `“${field}” in the body`} is not valid.`, {
    hint: issue?.message ?? 'See the REST specification of Iceberg.',
  })
}

/** A namespace in a path: its levels, with the unit separator in between. */
export function databaseOfPath(params: Readonly<Record<string, string>>): string {
  return databaseOf((params['namespace'] ?? '').split('\u001f'))
}

/** Databases are namespaces of one level; there are no others. */
export function databaseOf(levels: readonly string[]): string {
  const [database, ...deeper] = levels
  if (database !== undefined && database !== '' && deeper.length === 0) return database
  throw new AppError('database_not_found', `There is no namespace ${JSON.stringify(levels.join('.'))}.`, {
    hint: 'Namespaces are databases, and have one level.',
  })
}

export function tableOfPath(params: Readonly<Record<string, string>>): IcebergName {
  return { database: databaseOfPath(params), name: params['table'] ?? params['view'] ?? '' }
}

export function identifierOf({ namespace: levels, name }: z.output<typeof identifier>): IcebergName {
  return { database: databaseOf(levels), name }
}

export interface Page<T> {
  readonly items: readonly T[]
  readonly next: string | null
}

/**
 * A page of names that are in order. A client that understands pages sends `pageToken`, empty at first; one that does not gets
 * everything at once (the specification, “PageToken”).
 */
export function pageOf(names: readonly string[], query: Readonly<Record<string, string>>): Page<string> {
  const { pageToken, pageSize } = query
  if (pageToken === undefined && pageSize === undefined) return { items: names, next: null }
  const size = pageSize === undefined ? Number.POSITIVE_INFINITY : Number(pageSize)
  if (!(size >= 1)) {
    throw new AppError('invalid_request', `The pageSize ${JSON.stringify(pageSize)} is not a number from 1 on.`)
  }
  const rest = names.filter((name) => name > (pageToken ?? ''))
  const items = rest.slice(0, size)
  return { items, next: items.length < rest.length ? (items.at(-1) ?? null) : null }
}

/** How clients reach the files; with a directory there is nothing to say. */
export function fileConfig({ s3 }: ObjectAddress): Readonly<Record<string, string>> {
  if (s3 === undefined) return {}
  const { endpoint, region = 'us-east-1', pathStyle } = s3
  return {
    ...(endpoint !== undefined && { 's3.endpoint': endpoint }),
    's3.path-style-access': String(pathStyle),
    's3.region': region,
    'client.region': region,
  }
}
