import { rm, truncate } from 'node:fs/promises'
import { crc32 } from 'node:zlib'

import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { must } from '../base/errors.ts'
import { sql } from '../base/postgres/postgres.ts'
import type { Chunk } from '../store/store.ts'
import { parseType } from '../store/types.ts'
import { inProcessEngines } from './testing/in-process-engines.ts'
import type { QueryBench } from './testing/query-bench.ts'
import { openQueryBench } from './testing/query-bench.ts'

let bench: QueryBench
let tables = 0

beforeAll(async () => {
  bench = await openQueryBench(inProcessEngines())
})
afterAll(() => bench.close())

const everything = `sum(n), max(word), min(time), count(*)`

/** A table of three chunks, whose checksums are known. */
async function newTable(): Promise<{ name: string; chunks: Chunk[] }> {
  const name = `t${(tables += 1)}`
  const columns = [
    { name: 'n', type: parseType('bigint') },
    { name: 'word', type: parseType('varchar') },
  ]
  const select = (at: number) =>
    `select ${at} + i as time, hash(i) % 1000 as n, md5(i::varchar) as word from range(3000) r(i)`
  await bench.load(name, columns, [0, 10_000, 20_000].map(select))
  const [snapshot] = await bench.store.openSnapshot(bench.owner.accountId, [{ database: 'web', name }])
  const chunks = await bench.store.findChunks(must(snapshot, 'the table'), [{ from: -Infinity, to: Infinity }])
  for (const { id, objectKey } of chunks) {
    const sum = crc32(await bench.objects.get(objectKey))
    await bench.postgres.query(sql`update chunks set crc32 = ${sum} where id = ${id}`)
  }
  return { name, chunks }
}

describe('a query that meets a damaged file', () => {
  const places = [
    ['in its data', (bytes: Buffer) => bytes.fill(0xaa, 2000, 40_000)],
    ['in its footer', (bytes: Buffer) => bytes.fill(0xff, bytes.byteLength - 300, bytes.byteLength - 20)],
    ['at its end', (bytes: Buffer) => bytes.fill(0, bytes.byteLength - 4)],
  ] as const

  test.each(places)('%s names the chunk, and what to do', async (_place, damage) => {
    const { name, chunks } = await newTable()
    const { id, objectKey } = must(chunks[1], 'a chunk')
    const bytes = await bench.objects.get(objectKey)
    damage(bytes)
    await bench.objects.put(objectKey, bytes)
    const failing = bench.query(`select ${everything} from ${name}`)
    await expect(failing).rejects.toMatchObject({
      code: 'object_damaged',
      message: expect.stringContaining(`The file of chunk ${id} of "web.${name}" is damaged`) as string,
      hint: expect.stringContaining(`biwa verify web.${name} --repair`) as string,
    })
    await failing.catch((error: Error) => expect(error.message).not.toContain(bench.folder))
  })

  test('that is missing names the chunk, too', async () => {
    const { name, chunks } = await newTable()
    const { id, objectKey } = must(chunks[2], 'a chunk')
    await bench.objects.remove(objectKey)
    await expect(bench.query(`select ${everything} from ${name}`)).rejects.toMatchObject({
      code: 'object_not_found',
      message: expect.stringContaining(`The file of chunk ${id} of "web.${name}" is missing`) as string,
      hint: expect.stringContaining('biwa verify') as string,
    })
  })

  const losses = [
    ['is gone', (path: string) => rm(path), 'object_not_found', 'missing'],
    ['is shorter', (path: string) => truncate(path, 5000), 'object_damaged', 'damaged'],
  ] as const

  test.each(losses)('that %s since another query read it is named by the next', async (_loss, lose, code, word) => {
    const { name, chunks } = await newTable()
    const { id, objectKey } = must(chunks[2], 'a chunk')
    await bench.query(`select ${everything} from ${name}`)
    const { path } = await bench.objects.materialize(objectKey)
    await lose(path)
    const failing = bench.query(`select ${everything}, 2 from ${name}`)
    await expect(failing).rejects.toMatchObject({
      code,
      message: expect.stringContaining(`The file of chunk ${id} of "web.${name}" is ${word}`) as string,
    })
    await failing.catch((error: Error) => expect(error.message).not.toContain(bench.folder))
  })
})
