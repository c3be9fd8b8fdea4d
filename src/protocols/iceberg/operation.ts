import type { Access, Principal } from '../../access/access.ts'
import type { ObjectAddress } from '../../base/objects/object-address.ts'
import type { IcebergCatalog } from '../../store/iceberg.ts'
import type { Store } from '../../store/store.ts'

/** The doors that operations call. */
export interface IcebergParts {
  readonly access: Access
  readonly store: Store
  readonly catalog: IcebergCatalog
  /** Where the files of tables lie: clients read them by themselves. */
  readonly address: ObjectAddress
}

/** A request from somebody who is known; nothing of it is checked yet. */
export interface Call extends IcebergParts {
  readonly principal: Principal
  readonly params: Readonly<Record<string, string>>
  readonly query: Readonly<Record<string, string>>
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: unknown
}

export interface Answer {
  readonly status: 200 | 204 | 304
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: object
}

/** One operation of the catalog; paths are as the specification writes them, behind its prefix. */
export interface Operation {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'DELETE'
  readonly path: string
  handle(call: Call): Promise<Answer>
}

export const done: Answer = { status: 204 }
