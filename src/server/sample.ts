import { readFile } from 'node:fs/promises'

/**
 * The sample data set: 3,000,000 domestic flights of January to June 2001, from the on-time statistics of the U.S. Bureau of
 * Transportation Statistics, as the npm package vega-datasets ships them.
 */
export const sample = {
  database: 'sample',
  table: 'flights',
  label: '3,000,000 U.S. domestic flights of 2001 (Bureau of Transportation Statistics)',
} as const

/** The package exports only its code; the data lie beside it. */
export const samplePath = new URL('../data/flights-3m.parquet', import.meta.resolve('vega-datasets'))

/** Imports the sample through the same door as everybody's data. Its id makes a second start change nothing. */
export async function loadSample(url: string, apiKey: string): Promise<void> {
  const body = await readFile(samplePath)
  const query = 'id=sample-flights-3m&format=parquet&time_column=date&wait=visible&wait_seconds=60'
  const path = `/api/v1/databases/${sample.database}/tables/${sample.table}/import?${query}`
  const response = await fetch(url + path, { method: 'POST', headers: { authorization: `Bearer ${apiKey}` }, body })
  if (!response.ok) throw new Error(`the sample data set was not taken: ${response.status} ${await response.text()}`)
  await response.arrayBuffer()
}
