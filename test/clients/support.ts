import type { Biwa } from '../support/biwa.ts'

/** What clients need to find the catalog. */
export const catalogOf = ({ url, apiKey }: Biwa) => ({ uri: `${url}/iceberg`, token: apiKey })

/** Imports records and waits until they can be queried. */
export async function importRecords(biwa: Biwa, table: string, records: readonly object[]): Promise<void> {
  const [database, name] = table.split('.')
  const response = await biwa.request(`/api/v1/databases/${database}/tables/${name}/import?wait=visible`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson' },
    body: records.map((record) => JSON.stringify(record)).join('\n'),
  })
  if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`)
}
