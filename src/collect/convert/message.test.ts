import { deserialize, serialize } from 'node:v8'

import fc from 'fast-check'
import { expect, test } from 'vitest'

import type { EnginePool } from '../../base/engines/engines.ts'
import { answerConversions, runConversion } from './message.ts'
import type { ConvertBody, ConvertedBody, ConvertInput, ConvertOutput } from './tasks.ts'

const bodies = fc.array(
  fc.record<ConvertBody>({
    path: fc.constantFrom('a', 'b'),
    offset: fc.nat(),
    bytes: fc.nat(),
    format: fc.constantFrom('json', 'csv'),
    encoding: fc.constantFrom('identity', 'gzip'),
    timeColumn: fc.constantFrom(null, 'at'),
    receivedAtUs: fc.maxSafeInteger(),
    mayBeLong: fc.constantFrom(true, undefined),
  }),
)

const rejected = { recordNumber: 0, byteOffset: 7, reason: 'json_syntax', detail: '', rawBytes: 1, path: null }
const converted = fc.oneof<fc.Arbitrary<ConvertedBody>[]>(
  fc.nat({ max: 3 }).map((rows) => ({ rows, rejected: 0, rejectedRows: [], error: null })),
  fc.constant({ rows: 1, rejected: 1, rejectedRows: [{ ...rejected, raw: Buffer.from('{') }], error: null }),
  fc.constant({ rows: 0, rejected: 0, rejectedRows: [], error: { code: 'body_malformed', message: 'torn' } }),
)

/** As between two processes: everything crosses the border as bytes. */
function enginesWith(handler: ReturnType<typeof answerConversions>): EnginePool {
  const over = <T>(value: T): T => deserialize(serialize(value)) as T
  const run = async (task: { readonly input: unknown }): Promise<unknown> =>
    over(await handler(over(task.input) as never, { progress() {} }))
  return { run } as Partial<EnginePool> as EnginePool
}

test('bodies and what comes of them cross the border whole and in their order', async () => {
  await fc.assert(
    fc.asyncProperty(bodies, fc.infiniteStream(converted), async (asked, results) => {
      const rest = {
        columns: [],
        nextFieldId: 6,
        schemaMode: 'evolve',
        directory: 'd',
        memoryBytes: 1,
        threads: 2,
      } as const
      const made = asked.map(() => results.next().value as ConvertedBody)
      let heard: ConvertInput | undefined
      const convert = async (input: ConvertInput): Promise<ConvertOutput> => {
        heard = input
        return { files: [], newColumns: [], bodies: made }
      }
      const engines = enginesWith(answerConversions(convert))
      const output = await runConversion(engines, { ...rest, bodies: asked }, { timeoutMs: 1, residentBytesMax: 1 })
      expect(heard).toEqual({ ...rest, bodies: asked })
      expect(output).toEqual({ files: [], newColumns: [], bodies: made })
    }),
  )
})
