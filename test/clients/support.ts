import type { Biwa } from '../support/biwa.ts'

/** What clients need to find the catalog. */
export const catalogOf = ({ url, apiKey }: Biwa) => ({ uri: `${url}/iceberg`, token: apiKey })

/** Imports records and waits until they can be queried. */
export async function importRecords(biwa: Biwa, table: string, records: readonly object[]): Promise<void> {
  const [database, name] = table.split('.')
  const response = await biwa.request(
    `/api/v1/databases/${database}/tables/${name}/import?wait=visible&wait_seconds=240`,
    {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson' },
      body: records.map((record) => JSON.stringify(record)).join('\n'),
    },
  )
  if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`)
}

export interface Field {
  readonly id: number
  readonly name: string
  readonly type: unknown
  readonly required: boolean
}

/** Changes the columns of a table as another engine does: by a commit with a whole new schema. */
export async function changeColumns(
  biwa: Biwa,
  table: string,
  change: (fields: readonly Field[], nextFieldId: number) => readonly Field[],
): Promise<void> {
  const [database, name] = table.split('.')
  const path = `/iceberg/v1/namespaces/${database}/tables/${name}`
  for (let attempt = 1; ; attempt += 1) {
    const { metadata } = (await (await biwa.request(path)).json()) as {
      metadata: {
        'current-schema-id': number
        'last-column-id': number
        schemas: { 'schema-id': number; fields: readonly Field[] }[]
      }
    }
    const id = metadata['current-schema-id']
    const fields = metadata.schemas.find((schema) => schema['schema-id'] === id)?.fields ?? []
    const schema = { type: 'struct', fields: change(fields, metadata['last-column-id'] + 1) }
    const body = JSON.stringify({
      requirements: [{ type: 'assert-current-schema-id', 'current-schema-id': id }],
      updates: [
        { action: 'add-schema', schema },
        { action: 'set-current-schema', 'schema-id': -1 },
      ],
    })
    const response = await biwa.request(path, { method: 'POST', body })
    if (response.status === 200) return
    // An import added a column meanwhile.
    if (response.status !== 409 || attempt === 5) throw new Error(`${response.status} ${await response.text()}`)
  }
}
