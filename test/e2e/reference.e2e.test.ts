import { fileURLToPath } from 'node:url'

import { DuckDBInstance } from '@duckdb/node-api'
import { afterAll, beforeAll, expect, it } from 'vitest'

import { samplePath } from '../../src/server/sample.ts'
import { runCli, startBiwa } from '../support/biwa.ts'
import type { Biwa } from '../support/biwa.ts'

/** 3,000,000 flights of the U.S. Bureau of Transportation Statistics, January to June 2001. */
const flights = fileURLToPath(samplePath)

let biwa: Biwa
beforeAll(async () => {
  biwa = await startBiwa()
})
afterAll(() => biwa.stop())

it('answers a group-by over a time range as the bare library does from the same file', async () => {
  const imported = await runCli(biwa, ['import', flights, 'test.flights', '--time-column', 'date', '--wait'])
  expect(imported, imported.stderr).toMatchObject({ code: 0 })

  const [from, to] = ['2001-03-01', '2001-03-08']
  const answer = await runCli(biwa, [
    'query',
    `select origin, count(*) as flights, sum(delay) as delay, max(distance) as farthest from flights
     where time >= epoch(timestamp '${from}')::bigint and time < epoch(timestamp '${to}')::bigint
     group by origin order by origin`,
    '-d',
    'test',
    '-f',
    'tsv',
  ])
  expect(answer, answer.stderr).toMatchObject({ code: 0 })

  const bare = await (await DuckDBInstance.create()).connect()
  const expected = await bare.runAndReadAll(
    `select origin, count(*), sum(delay), max(distance) from '${flights}'
     where date >= timestamp '${from}' and date < timestamp '${to}' group by origin order by origin`,
  )
  const rows = expected.getRowsJson().map((row) => row.map(String).join('\t'))
  expect(rows.length).toBeGreaterThan(100)
  expect(answer.stdout.trimEnd().split('\n').slice(1)).toEqual(rows)
})
