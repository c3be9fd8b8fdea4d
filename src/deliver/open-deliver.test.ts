import { Readable } from 'node:stream'

import { describe, expect, it } from 'vitest'

import { AppError } from '../base/errors.ts'
import type { ErrorRecord } from '../base/errors.ts'
import type { ObjectStore } from '../base/objects/objects.ts'
import type { Job, Jobs, NewJob } from '../jobs/jobs.ts'
import { openDeliver } from './open-deliver.ts'

const at = new Date(0)
const job = (fields: Partial<Job>): Job => ({
  id: 7,
  accountId: 1,
  userId: 2,
  kind: 'query',
  state: 'success',
  priority: 0,
  uniqueKey: null,
  input: {},
  progress: null,
  output: { columns: [], resultKey: 'results/1/7.parquet' },
  error: null,
  runAt: at,
  attempt: 1,
  attemptsMax: 3,
  timeoutMs: null,
  killRequestedAt: null,
  createdAt: at,
  startedAt: at,
  finishedAt: at,
  ...fields,
})

/** A queue that knows some jobs by their key, and a worker that brings each new one to an end at once. */
function bench(known: Readonly<Record<string, Partial<Job>>>, end: Partial<Job>) {
  const stored = new Map([['results/1/7.parquet', 'parquet']])
  const submitted: string[] = []
  const jobs: Partial<Jobs> = {
    async submit({ uniqueKey = '' }: NewJob) {
      submitted.push(uniqueKey)
      const existing = known[uniqueKey]
      return existing === undefined
        ? { job: job({ id: 100, state: 'queued' }), existing: false }
        : { job: job(existing), existing: true }
    },
    async wait(_account, id) {
      if (end.state === 'success') stored.set('results/1/7-as.csv', 'a\n1\n')
      return job({ id, ...end })
    },
  }
  const objects: Partial<ObjectStore> = {
    size: async (key) => stored.get(key)?.length,
    async get(key, { from, to } = { from: 0, to: Infinity }) {
      const bytes = stored.get(key)
      if (bytes === undefined) throw new AppError('object_not_found', 'It is gone.')
      return Buffer.from(bytes.slice(from, to))
    },
    stream: async (key) => Readable.from([stored.get(key)]),
  }
  const deliver = openDeliver({ jobs: jobs as Jobs, objects: objects as ObjectStore, waitMsMax: 1 })
  return { deliver, submitted, stored }
}

const error: ErrorRecord = { code: 'worker_lost', message: 'The process died.' }

describe('a format', () => {
  it('is made once', async () => {
    const { deliver, submitted } = bench({}, { state: 'success' })
    for (let time = 0; time < 2; time++) {
      const result = await deliver.result(job({}), 'csv')
      expect(result).toMatchObject({ bytes: 4, etag: '"7-csv-4"', contentType: 'text/csv; charset=utf-8' })
      expect(await (await result.stream()).toArray()).toEqual(['a\n1\n'])
    }
    expect(submitted).toEqual(['7:csv'])
  })

  it('is waited for where somebody else had asked for it', async () => {
    const { deliver, submitted } = bench({ '7:csv': { id: 9, state: 'running' } }, { state: 'success' })
    expect((await deliver.result(job({}), 'csv')).bytes).toBe(4)
    expect(submitted).toEqual(['7:csv'])
  })

  it('is made anew after failures of the past, and after its object was lost', async () => {
    const known = { '7:csv': { id: 9, state: 'dead', error }, '7:csv:after:9': { id: 12, state: 'success' } } as const
    const { deliver, submitted } = bench(known, { state: 'success' })
    expect((await deliver.result(job({}), 'csv')).bytes).toBe(4)
    expect(submitted).toEqual(['7:csv', '7:csv:after:9', '7:csv:after:12'])
  })

  it.each([
    [{ state: 'running' }, 'result_not_ready'],
    [{ state: 'dead', error }, 'worker_lost'],
    [{ state: 'killed' }, 'result_not_ready'],
  ] as const)('whose job ends as %o fails with %s', async (end, code) => {
    const { deliver } = bench({}, end)
    await expect(deliver.result(job({}), 'csv')).rejects.toMatchObject({ code })
  })
})

describe('a format that lies in the result', () => {
  const ready = { format: 'csv', from: 3, to: 7 }
  const output = { columns: [], resultKey: 'results/1/8.parquet', ready }

  it('is read from there, whole or in part', async () => {
    const { deliver, submitted, stored } = bench({}, { state: 'success' })
    stored.set(output.resultKey, 'PARa\n1\nfooter')
    const result = await deliver.result(job({ output }), 'csv')
    expect(result).toMatchObject({ bytes: 4, etag: '"7-csv-4"', contentType: 'text/csv; charset=utf-8' })
    expect([result.whole?.toString(), String(await (await result.stream({ from: 1, to: 3 })).toArray())]).toEqual([
      'a\n1\n',
      '\n1',
    ])
    expect(await deliver.knownBytes(job({ output }), 'csv')).toBe(4)
    expect(submitted).toEqual([])
  })

  it('is that one alone: others are made', async () => {
    const { deliver, submitted, stored } = bench({}, { state: 'success' })
    stored.set(output.resultKey, 'parquet')
    await expect(deliver.result(job({ output }), 'tsv')).rejects.toThrow()
    expect(submitted).toEqual(['7:tsv'])
    expect(await deliver.knownBytes(job({ output }), 'tsv')).toBeUndefined()
  })

  it('is there without any object where that lies with the job', async () => {
    const { deliver, submitted, stored } = bench({}, { state: 'success' })
    const inline = Buffer.from('PARa\n1\nfooter').toString('base64')
    const done = job({ output: { ...output, inline } })
    expect((await deliver.result(done, 'csv')).whole?.toString()).toBe('a\n1\n')
    expect(await deliver.knownBytes(done, 'csv')).toBe(4)
    expect(await deliver.knownBytes(done, 'tsv')).toBeUndefined()
    stored.clear()
    // One that is to be made is not taken for expired.
    expect(
      (await deliver.result(job({ output: { columns: [], resultKey: 'results/1/7.parquet', inline } }), 'csv')).bytes,
    ).toBe(4)
    expect(submitted).toEqual(['7:csv'])
  })

  it('expires with it', async () => {
    const { deliver } = bench({}, { state: 'success' })
    await expect(deliver.result(job({ output }), 'csv')).rejects.toMatchObject({ code: 'result_expired' })
    expect(await deliver.knownBytes(job({ output }), 'csv')).toBeUndefined()
  })

  it('is not answered in part where it was cut', async () => {
    const { deliver, stored } = bench({}, { state: 'success' })
    stored.set(output.resultKey, 'PARa')
    await expect(deliver.result(job({ output }), 'csv')).rejects.toMatchObject({ code: 'object_damaged' })
  })
})

describe('no result', () => {
  it.each([
    [{ kind: 'import' }, 'result_not_found'],
    [{ state: 'running' }, 'result_not_ready'],
    [{ state: 'retry_wait', error }, 'result_not_ready'],
    [{ state: 'error', error: { code: 'query_data', message: 'A division by zero.' } }, 'query_data'],
    [{ state: 'killed' }, 'job_killed'],
    [{ output: { columns: [], resultKey: null } }, 'result_not_found'],
    [{ output: { columns: [], resultKey: 'results/gone' } }, 'result_expired'],
  ] as const)('of %o: %s', async (fields, code) => {
    const { deliver, submitted } = bench({}, { state: 'success' })
    await expect(deliver.result(job(fields), 'csv')).rejects.toMatchObject({ code })
    expect(submitted).toEqual([])
  })
})
