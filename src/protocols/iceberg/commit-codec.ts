import { z } from 'zod'

import { AppError } from '../../base/errors.ts'
import type { Requirement, TableChange } from '../../store/iceberg.ts'
import { checkBody, identifier, properties, schema } from './codec.ts'

// Commits of other engines: a list of requirements and a list of updates, of many sorts each (“CommitTableRequest”).

const commit = z.object({
  requirements: z.array(z.object({ type: z.string() }).loose()),
  updates: z.array(z.object({ action: z.string() }).loose()),
})

export const commitBody = commit.extend({ identifier: identifier.nullish() })

export const transactionBody = z.object({ 'table-changes': z.array(commit.extend({ identifier })).min(1) })

const number = z.number()

function requirementOf(requirement: { readonly type: string }): Requirement {
  const id = (name: string): number => checkBody(z.object({ [name]: number }), requirement)[name] ?? 0
  switch (requirement.type) {
    case 'assert-create':
      return { kind: 'absent' }
    case 'assert-table-uuid':
      return { kind: 'uuid', uuid: checkBody(z.object({ uuid: z.string() }), requirement).uuid }
    case 'assert-ref-snapshot-id': {
      const shape = z.object({ ref: z.string(), 'snapshot-id': number.nullish() })
      const { ref, 'snapshot-id': snapshot } = checkBody(shape, requirement)
      return { kind: 'ref', ref, snapshot: snapshot ?? null }
    }
    case 'assert-last-assigned-field-id':
      return { kind: 'last-column-id', id: id('last-assigned-field-id') }
    case 'assert-current-schema-id':
      return { kind: 'current-schema-id', id: id('current-schema-id') }
    case 'assert-last-assigned-partition-id':
      return { kind: 'last-partition-id', id: id('last-assigned-partition-id') }
    case 'assert-default-spec-id':
      return { kind: 'default-spec-id', id: id('default-spec-id') }
    case 'assert-default-sort-order-id':
      return { kind: 'default-sort-order-id', id: id('default-sort-order-id') }
    default:
      throw unsupported(`the requirement ${JSON.stringify(requirement.type)} is not known`)
  }
}

const snapshotUpdate = z.object({
  snapshot: z.object({
    'snapshot-id': number,
    'parent-snapshot-id': number.nullish(),
    'manifest-list': z.string(),
  }),
})
const refUpdate = z.object({ 'ref-name': z.string(), type: z.string(), 'snapshot-id': number })
const emptyFields = z.object({ fields: z.array(z.any()).max(0) })

/** A commit that is being put together from its updates, in their order. */
class ChangeDraft {
  readonly #requirements: Requirement[]
  readonly #snapshots = new Map<number, { manifestList: string; parent: number | null }>()
  readonly #order: number[] = []
  readonly #schemas: z.output<typeof schema>[] = []
  #present: number | undefined
  #fields: TableChange['fields']
  #location: string | undefined
  readonly #set: Record<string, string> = {}
  readonly #removed = new Set<string>()

  constructor(requirements: readonly Requirement[]) {
    this.#requirements = [...requirements]
  }

  apply(update: { readonly action: string }): void {
    switch (update.action) {
      case 'assign-uuid':
        this.#requirements.push({ kind: 'uuid', uuid: checkBody(z.object({ uuid: z.string() }), update).uuid })
        return
      case 'upgrade-format-version':
        if (checkBody(z.object({ 'format-version': number }), update)['format-version'] <= 2) return
        throw unsupported('tables are of the format version 2')
      case 'add-schema':
        this.#schemas.push(checkBody(z.object({ schema }), update).schema)
        return
      case 'set-current-schema':
        return this.#setSchema(checkBody(z.object({ 'schema-id': number }), update)['schema-id'])
      case 'add-snapshot':
        return this.#addSnapshot(checkBody(snapshotUpdate, update).snapshot)
      case 'set-snapshot-ref':
        return this.#setRef(checkBody(refUpdate, update))
      case 'set-location':
        this.#location = checkBody(z.object({ location: z.string() }), update).location
        return
      case 'set-properties':
        Object.assign(this.#set, checkBody(z.object({ updates: properties }), update).updates)
        return
      case 'remove-properties':
        for (const name of checkBody(z.object({ removals: z.array(z.string()) }), update).removals)
          this.#removed.add(name)
        return
      default:
        return this.#applyLayout(update)
    }
  }

  /** Partitions and the order of rows are ours to choose; what changes nothing passes. */
  #applyLayout(update: { readonly action: string }): void {
    switch (update.action) {
      case 'add-spec':
        if (emptyFields.safeParse((update as { spec?: unknown }).spec).success) return
        throw unsupported('tables are partitioned by the hour of their time')
      case 'add-sort-order':
        if (emptyFields.safeParse((update as { 'sort-order'?: unknown })['sort-order']).success) return
        throw unsupported('rows are sorted by their time')
      case 'set-default-spec':
      case 'set-default-sort-order':
        return
      default:
        throw unsupported(`the update ${JSON.stringify(update.action)} is not known, or not done here`)
    }
  }

  #setSchema(id: number): void {
    const last = this.#schemas.at(-1)
    if (last !== undefined && (id === -1 || id === last['schema-id']))
      this.#fields = last.fields as TableChange['fields']
    else this.#requirements.push({ kind: 'current-schema-id', id })
  }

  #addSnapshot(snapshot: z.output<typeof snapshotUpdate>['snapshot']): void {
    const { 'snapshot-id': id, 'parent-snapshot-id': parent, 'manifest-list': manifestList } = snapshot
    this.#snapshots.set(id, { manifestList, parent: parent ?? null })
    this.#order.push(id)
  }

  #setRef({ 'ref-name': ref, type, 'snapshot-id': id }: z.output<typeof refUpdate>): void {
    if (ref !== 'main' || type !== 'branch') throw unsupported('there are no branches and tags but main')
    if (!this.#snapshots.has(id)) throw unsupported('main goes forward only, to a snapshot of the same commit')
    this.#present = id
  }

  end(): TableChange {
    if (this.#order.at(-1) !== this.#present) throw unsupported('a snapshot that is added has to be that of main')
    return {
      requirements: this.#requirements,
      snapshots: this.#order.flatMap((id) => this.#snapshots.get(id) ?? []),
      fields: this.#fields,
      location: this.#location,
      setProperties: this.#set,
      removedProperties: [...this.#removed],
    }
  }
}

function unsupported(reason: string): AppError {
  return new AppError('invalid_request', `The commit cannot be made: ${reason}.`, {
    hint: 'Other engines can append and overwrite rows, add columns and set properties.',
  })
}

export function changeOf({ requirements, updates }: z.output<typeof commit>): TableChange {
  const draft = new ChangeDraft(requirements.map(requirementOf))
  for (const update of updates) draft.apply(update)
  return draft.end()
}
