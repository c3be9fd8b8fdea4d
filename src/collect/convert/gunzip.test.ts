import { gzipSync } from 'node:zlib'

import { afterAll, expect, it } from 'vitest'

import { must } from '../../base/errors.ts'
import { openNativeGunzip } from '../../base/gzip/native-gunzip.ts'
import { compiledModule } from '../../base/testing/compile-module.ts'
import { openConversions } from '../testing/run-conversion.ts'

const gunzip = must(openNativeGunzip(await compiledModule('inflate.ts')), 'the processor has what the module takes')
const { run, read, remove } = openConversions(1_700_000_000_000_000, { gunzip })

afterAll(remove)

it('keeps bodies apart that are inflated into the same memory, over several batches', async () => {
  const rows = 30_000
  const bodies = Array.from({ length: 30 }, (_, body) => {
    const lines = Array.from({ length: rows }, (_, n) => `{"time":1700000000,"body":${body},"n":${n}}`)
    return { content: gzipSync(lines.join('\n')), encoding: 'gzip' as const }
  })
  const result = await run(bodies)
  expect(result.bodies.map(({ rows: own }) => own)).toEqual(bodies.map(() => rows))
  const sums = await read(
    result,
    'select body, count(*) as n, sum(n)::bigint as s from rows group by body order by body',
  )
  const sum = String((rows * (rows - 1)) / 2)
  expect(sums).toEqual(bodies.map((_, body) => ({ body: String(body), n: String(rows), s: sum })))
})
