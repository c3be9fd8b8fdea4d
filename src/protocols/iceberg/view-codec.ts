import { z } from 'zod'

import { AppError } from '../../base/errors.ts'
import type { ViewUpdate } from '../../store/iceberg.ts'
import { checkBody, identifier, properties } from './codec.ts'

const viewSchema = z.object({ 'schema-id': z.number().optional() }).loose()

const viewVersion = z
  .object({
    'version-id': z.number(),
    'schema-id': z.number(),
    'timestamp-ms': z.number(),
    representations: z.array(z.looseObject({ type: z.string() })).min(1),
    'default-namespace': z.array(z.string()),
  })
  .loose()

export const createViewBody = z.object({
  name: z.string(),
  schema: viewSchema,
  'view-version': viewVersion,
  properties: properties.nullish(),
})

export const replaceViewBody = z.object({
  identifier: identifier.nullish(),
  requirements: z.array(z.object({ type: z.literal('assert-view-uuid'), uuid: z.string() })).nullish(),
  updates: z.array(z.object({ action: z.string() }).loose()),
})

/** What an update asks for; nothing where it says what is so anyway. */
export function viewUpdateOf(update: { readonly action: string }): readonly ViewUpdate[] {
  switch (update.action) {
    case 'assign-uuid':
    case 'upgrade-format-version':
    case 'set-location':
      return []
    case 'add-schema':
      return [{ kind: 'add-schema', schema: checkBody(z.object({ schema: viewSchema }), update).schema }]
    case 'add-view-version': {
      const { 'view-version': version } = checkBody(z.object({ 'view-version': viewVersion }), update)
      return [{ kind: 'add-version', version }]
    }
    case 'set-current-view-version': {
      const { 'view-version-id': id } = checkBody(z.object({ 'view-version-id': z.number() }), update)
      return [{ kind: 'set-current-version', id }]
    }
    case 'set-properties':
      return [{ kind: 'set-properties', set: checkBody(z.object({ updates: properties }), update).updates }]
    case 'remove-properties': {
      const { removals } = checkBody(z.object({ removals: z.array(z.string()) }), update)
      return [{ kind: 'remove-properties', names: removals }]
    }
    default:
      throw new AppError('invalid_request', `The update ${JSON.stringify(update.action)} of a view is not known.`)
  }
}
