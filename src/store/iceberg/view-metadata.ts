import { AppError } from '../../base/errors.ts'

/** The metadata of a view, as Iceberg's view specification has it, of version 1. What is in it is the engine's own. */
export interface ViewMetadata {
  readonly 'view-uuid': string
  readonly 'format-version': 1
  readonly location: string
  readonly schemas: readonly ViewSchema[]
  readonly 'current-version-id': number
  readonly versions: readonly ViewVersion[]
  readonly 'version-log': readonly { readonly 'version-id': number; readonly 'timestamp-ms': number }[]
  readonly properties: Readonly<Record<string, string>>
}

export interface ViewSchema {
  readonly 'schema-id'?: number | undefined
  readonly [part: string]: unknown
}

export interface ViewVersion {
  readonly 'version-id': number
  readonly 'schema-id': number
  readonly 'timestamp-ms': number
  readonly representations: readonly object[]
  readonly [part: string]: unknown
}

/** What an engine changes in a view, step by step. */
export type ViewUpdate =
  | { readonly kind: 'add-schema'; readonly schema: ViewSchema }
  /** The schema −1 is the one that was added last. */
  | { readonly kind: 'add-version'; readonly version: ViewVersion }
  /** The version −1 is the one that was added last. */
  | { readonly kind: 'set-current-version'; readonly id: number }
  | { readonly kind: 'set-properties'; readonly set: Readonly<Record<string, string>> }
  | { readonly kind: 'remove-properties'; readonly names: readonly string[] }

/** More would only make the metadata long; the newest are kept. */
const versionsMax = 10

export function newView(
  uuid: string,
  location: string,
  view: { schema: ViewSchema; version: ViewVersion; properties: Readonly<Record<string, string>> },
): ViewMetadata {
  const empty: ViewMetadata = {
    'view-uuid': uuid,
    'format-version': 1,
    location,
    schemas: [],
    'current-version-id': -1,
    versions: [],
    'version-log': [],
    properties: view.properties,
  }
  return changedView(empty, [
    { kind: 'add-schema', schema: view.schema },
    { kind: 'add-version', version: { ...view.version, 'schema-id': -1 } },
    { kind: 'set-current-version', id: -1 },
  ])
}

export function changedView(view: ViewMetadata, updates: readonly ViewUpdate[]): ViewMetadata {
  const added: { schema?: number; version?: number } = {}
  let changed = view
  for (const update of updates) changed = withUpdate(changed, update, added)
  return withoutOldVersions(changed)
}

function withUpdate(
  view: ViewMetadata,
  update: ViewUpdate,
  added: { schema?: number; version?: number },
): ViewMetadata {
  switch (update.kind) {
    case 'add-schema': {
      added.schema = nextId(view.schemas.map((schema) => schema['schema-id'] ?? 0))
      return { ...view, schemas: [...view.schemas, { ...update.schema, 'schema-id': added.schema }] }
    }
    case 'add-version': {
      const schemaId = update.version['schema-id'] === -1 ? added.schema : update.version['schema-id']
      if (!view.schemas.some((schema) => schema['schema-id'] === schemaId)) throw unknown(`schema ${schemaId}`)
      added.version = nextId(view.versions.map((version) => version['version-id']))
      const version = { ...update.version, 'schema-id': schemaId ?? 0, 'version-id': added.version }
      return { ...view, versions: [...view.versions, version] }
    }
    case 'set-current-version': {
      const id = update.id === -1 ? added.version : update.id
      const version = view.versions.find((each) => each['version-id'] === id)
      if (version === undefined) throw unknown(`version ${id}`)
      const entry = { 'version-id': version['version-id'], 'timestamp-ms': version['timestamp-ms'] }
      return { ...view, 'current-version-id': entry['version-id'], 'version-log': [...view['version-log'], entry] }
    }
    case 'set-properties':
      return { ...view, properties: { ...view.properties, ...update.set } }
    case 'remove-properties': {
      const kept = Object.entries(view.properties).filter(([name]) => !update.names.includes(name))
      return { ...view, properties: Object.fromEntries(kept) }
    }
  }
}

function nextId(ids: readonly number[]): number {
  return Math.max(0, ...ids) + 1
}

function withoutOldVersions(view: ViewMetadata): ViewMetadata {
  const current = view['current-version-id']
  const versions = view.versions.filter((version, index) => {
    return version['version-id'] === current || index >= view.versions.length - versionsMax
  })
  const kept = new Set(versions.map((version) => version['version-id']))
  const schemas = new Set(versions.map((version) => version['schema-id']))
  return {
    ...view,
    versions,
    schemas: view.schemas.filter((schema) => schemas.has(schema['schema-id'] ?? 0)),
    'version-log': view['version-log'].filter((entry) => kept.has(entry['version-id'])),
  }
}

function unknown(what: string): AppError {
  return new AppError('invalid_request', `The view has no ${what}.`, { hint: 'Add it in the same commit.' })
}
