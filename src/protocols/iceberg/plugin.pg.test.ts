import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import type { InjectOptions } from 'fastify'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { RealApi } from '../../api/testing/real-api.ts'
import type { Tenant } from '../../api/testing/tenants.ts'
import { openRealApi } from '../../api/testing/real-api.ts'
import { systemClock } from '../../base/clock.ts'
import { systemDisk } from '../../base/disk.ts'
import { openDirectoryStore } from '../../base/objects/directory-store.ts'
import { objectAddress } from '../../base/objects/object-address.ts'
import { systemRandomness } from '../../base/randomness.ts'
import { openIceberg } from '../../store/iceberg/open-iceberg.ts'
import type { Operation } from './operation.ts'
import { icebergCatalog, operations } from './plugin.ts'

const prefix = '/iceberg/v1'

let api: RealApi
let owner: Tenant
let intruder: Tenant
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'biwa-iceberg-'))
  api = await openRealApi()
  const ports = { clock: systemClock, randomness: systemRandomness }
  const objects = await openDirectoryStore({ root: folder, disk: systemDisk, ...ports })
  const address = objectAddress({ location: folder })
  const { postgres, access, store, bugs } = api
  const catalog = openIceberg({ postgres, objects, address, graceMs: 3_600_000, ...ports })
  const onBug = (error: unknown) => bugs.push(error)
  await api.app.register(icebergCatalog({ access, store, catalog, address, onBug }), { prefix })
  owner = await api.makeTenant('owner')
  intruder = await api.makeTenant('intruder')
  await store.createDatabase(owner.principal.accountId, 'web')
  await store.createTable(owner.principal.accountId, 'web', 'logs')
})
afterAll(async () => {
  await api.close()
  await rm(folder, { recursive: true })
})

const ask = (url: string, options: InjectOptions = {}, key = owner.keys.full) =>
  api.app.inject({ url: prefix + url, ...options, headers: { authorization: `Bearer ${key}`, ...options.headers } })

const send = (url: string, payload: object, key = owner.keys.full) => ask(url, { method: 'POST', payload }, key)

interface Failure {
  readonly error: { readonly message: string; readonly type: string; readonly code: number }
}

async function failure(answer: ReturnType<typeof ask>): Promise<[number, string]> {
  const response = await answer
  const { error } = response.json<Failure>()
  expect(error.code).toBe(response.statusCode)
  expect(error.message.length).toBeGreaterThan(0)
  return [response.statusCode, error.type]
}

const fields = [
  { id: 1, name: 'time', required: true, type: 'long' },
  { id: 2, name: 'name', required: false, type: 'string' },
]
const schema = { type: 'struct', 'schema-id': 0, fields }
const viewVersion = {
  'version-id': 1,
  'schema-id': 0,
  'timestamp-ms': 1_700_000_000_000,
  summary: { 'engine-name': 'trino' },
  'default-namespace': ['web'],
  representations: [{ type: 'sql', sql: 'select 1', dialect: 'trino' }],
}

describe('the configuration', () => {
  it('names every operation that there is', async () => {
    const { defaults, overrides, endpoints } = (await ask('/config?warehouse=any')).json<Record<string, unknown>>()
    expect({ defaults, overrides }).toEqual({ defaults: {}, overrides: {} })
    expect(endpoints).toContain('POST /v1/{prefix}/namespaces/{namespace}/tables/{table}')
    expect(endpoints).toHaveLength(operations.length)
  })
})

describe('who may', () => {
  const filled = ({ path }: Operation) =>
    path.replace('{namespace}', 'web').replace('{table}', 'logs').replace('{view}', 'seen')

  const bodies: Readonly<Record<string, object>> = {
    '/namespaces': { namespace: ['own'] },
    '/namespaces/{namespace}/tables': { name: 'made', schema },
    '/namespaces/{namespace}/tables/{table}': { requirements: [], updates: [] },
    '/transactions/commit': {
      'table-changes': [{ identifier: { namespace: ['web'], name: 'logs' }, requirements: [], updates: [] }],
    },
    '/namespaces/{namespace}/views': { name: 'seen', schema, 'view-version': viewVersion },
    '/namespaces/{namespace}/views/{view}': { requirements: [], updates: [] },
    '/views/rename': {
      source: { namespace: ['web'], name: 'seen' },
      destination: { namespace: ['web'], name: 'logs2' },
    },
    '/tables/rename': {
      source: { namespace: ['web'], name: 'logs' },
      destination: { namespace: ['web'], name: 'logs2' },
    },
  }
  const called = (operation: Operation, key: string) =>
    ask(
      filled(operation),
      { method: operation.method, ...(operation.method === 'POST' && { payload: bodies[operation.path] ?? {} }) },
      key,
    )
  const cases = operations.map((operation) => [`${operation.method} ${operation.path}`, operation] as const)

  it.each(cases)('%s is for nobody without a key', async (_name, operation) => {
    const response = await called(operation, '1/none')
    expect(response.statusCode).toBe(401)
  })

  it.each(cases)('%s shows another account nothing', async (_name, operation) => {
    const response = await called(operation, intruder.keys.full)
    // The only thing that works is what makes something of one's own.
    const isOwn = ['/namespaces'].includes(operation.path)
    if (isOwn) expect(response.body).not.toContain('logs')
    else expect([403, 404]).toContain(response.statusCode)
  })

  it.each(cases.filter(([, { method }]) => method === 'POST' || method === 'DELETE'))(
    '%s changes nothing for a key that only reads',
    async (_name, operation) => {
      const response = await called(operation, owner.keys.query)
      if (operation.path.endsWith('/metrics')) expect(response.statusCode).toBe(204)
      else expect(response.statusCode).toBe(403)
    },
  )

  it('lets a key that only imports append, and change nothing else', async () => {
    const url = '/namespaces/web/tables/logs'
    expect((await send(url, { requirements: [], updates: [] }, owner.keys.import)).statusCode).toBe(200)
    const updates = [{ action: 'set-properties', updates: { a: 'b' } }]
    expect(await failure(send(url, { requirements: [], updates }, owner.keys.import))).toEqual([
      403,
      'ForbiddenException',
    ])
  })
})

describe('namespaces', () => {
  it('are databases', async () => {
    expect((await send('/namespaces', { namespace: ['lake'], properties: {} })).json()).toEqual({
      namespace: ['lake'],
      properties: {},
    })
    expect(await failure(send('/namespaces', { namespace: ['lake'] }))).toEqual([409, 'AlreadyExistsException'])
    expect((await ask('/namespaces')).json()).toEqual({ namespaces: [['lake'], ['web']], 'next-page-token': null })
    expect((await ask('/namespaces?parent=web')).json()).toEqual({ namespaces: [], 'next-page-token': null })
    expect((await ask('/namespaces/lake', { method: 'HEAD' })).statusCode).toBe(204)
    expect((await ask('/namespaces/lake', { method: 'DELETE' })).statusCode).toBe(204)
    expect((await ask('/namespaces/lake', { method: 'HEAD' })).statusCode).toBe(404)
    expect(await failure(ask('/namespaces/lake'))).toEqual([404, 'NoSuchNamespaceException'])
    expect(await failure(ask('/namespaces/web%1Fdeeper'))).toEqual([404, 'NoSuchNamespaceException'])
    expect(await failure(ask('/namespaces/web', { method: 'DELETE' }))).toEqual([409, 'NamespaceNotEmptyException'])
    expect(await failure(send('/namespaces', { namespace: [] }))).toEqual([400, 'BadRequestException'])
  })

  it('come in pages for those who want them', async () => {
    for (const name of ['p1', 'p2', 'p3']) await api.store.createDatabase(intruder.principal.accountId, name)
    const page = async (query: string) =>
      (await ask(`/namespaces?${query}`, {}, intruder.keys.full)).json<{
        namespaces: string[][]
        'next-page-token': string
      }>()
    const first = await page('pageToken=&pageSize=2')
    expect(first.namespaces).toHaveLength(2)
    const second = await page(`pageToken=${first['next-page-token']}&pageSize=2`)
    expect([...first.namespaces, ...second.namespaces].flat()).toEqual(expect.arrayContaining(['p1', 'p2', 'p3']))
    expect((await page('pageToken='))['next-page-token']).toBe(null)
    expect(await failure(ask('/namespaces?pageSize=0'))).toEqual([400, 'BadRequestException'])
  })
})

describe('tables', () => {
  it('are made with the fixed columns, loaded, and dropped', async () => {
    const made = await send('/namespaces/web/tables', { name: 'made', schema, properties: { owner: 'me' } })
    expect(made.statusCode, made.body).toBe(200)
    const { metadata, config } = made.json<{ metadata: Record<string, unknown>; config: object }>()
    expect(metadata).toMatchObject({ 'format-version': 2, 'last-column-id': 6, properties: { owner: 'me' } })
    expect(config).toEqual({})
    const again = send('/namespaces/web/tables', { name: 'made', schema })
    expect(await failure(again)).toEqual([409, 'AlreadyExistsException'])
    const identifiers = (await ask('/namespaces/web/tables')).json<{ identifiers: object[] }>().identifiers
    expect(identifiers).toEqual([
      { namespace: ['web'], name: 'logs' },
      { namespace: ['web'], name: 'made' },
    ])
    expect((await ask('/namespaces/web/tables/made?purgeRequested=true', { method: 'DELETE' })).statusCode).toBe(204)
    expect(await failure(ask('/namespaces/web/tables/made'))).toEqual([404, 'NoSuchTableException'])
    expect((await ask('/namespaces/web/tables/made', { method: 'HEAD' })).statusCode).toBe(404)
  })

  it('are not sent again to those who have them', async () => {
    const url = '/namespaces/web/tables/logs'
    const first = await ask(url)
    const etag = String(first.headers['etag'])
    const again = await ask(url, { headers: { 'if-none-match': etag } })
    expect([again.statusCode, again.body, again.headers['etag']]).toEqual([304, '', etag])
    expect((await ask(`${url}?snapshots=refs`, { headers: { 'if-none-match': etag } })).statusCode).toBe(200)
    await send(url, { requirements: [], updates: [{ action: 'set-properties', updates: { note: 'x' } }] })
    expect((await ask(url, { headers: { 'if-none-match': etag } })).statusCode).toBe(200)
  })

  it('refuse what they cannot be', async () => {
    const refused = [
      { name: 'x', schema: { fields: [{ id: 1, name: 'a', required: false, type: 'uuid' }] } },
      { name: 'x', schema: { fields: [{ id: 1, name: 'time', required: true, type: 'timestamp' }] } },
      { name: 'Not A Name', schema },
      { schema },
    ]
    for (const body of refused) {
      expect(await failure(send('/namespaces/web/tables', body))).toEqual([400, 'BadRequestException'])
    }
  })

  it('may be made together with their first rows: then the first commit demands that there was none', async () => {
    const made = await send('/namespaces/web/tables', { name: 'staged', schema, 'stage-create': true })
    const { metadata } = made.json<{ metadata: Record<string, unknown> & { schemas: object[] } }>()
    const commit = {
      requirements: [{ type: 'assert-create' }],
      updates: [
        { action: 'assign-uuid', uuid: metadata['table-uuid'] },
        { action: 'upgrade-format-version', 'format-version': 2 },
        { action: 'add-schema', schema: metadata.schemas[0] },
        { action: 'set-current-schema', 'schema-id': -1 },
        { action: 'add-spec', spec: { 'spec-id': 0, fields: [] } },
        { action: 'set-default-spec', 'spec-id': -1 },
        { action: 'add-sort-order', 'sort-order': { 'order-id': 0, fields: [] } },
        { action: 'set-default-sort-order', 'sort-order-id': -1 },
        { action: 'set-location', location: metadata['location'] },
        { action: 'set-properties', updates: { owner: 'me' } },
      ],
    }
    const committed = await send('/namespaces/web/tables/staged', commit)
    expect(committed.statusCode, committed.body).toBe(200)
    expect(committed.json()).toMatchObject({ metadata: { schemas: metadata.schemas, properties: { owner: 'me' } } })
    expect(await failure(send('/namespaces/web/tables/staged', commit))).toEqual([409, 'CommitFailedException'])
    await ask('/namespaces/web/tables/staged', { method: 'DELETE' })
  })

  it('take the reports of scans', async () => {
    expect((await send('/namespaces/web/tables/logs/metrics', { 'report-type': 'scan-report' })).statusCode).toBe(204)
  })
})

describe('commits', () => {
  const url = '/namespaces/web/tables/logs'
  const commit = (updates: object[], requirements: object[] = []) => send(url, { requirements, updates })

  it('fail with what clients try again on where requirements do not hold', async () => {
    const wrong = [
      { type: 'assert-create' },
      { type: 'assert-table-uuid', uuid: '00000000-0000-0000-0000-000000000000' },
      { type: 'assert-ref-snapshot-id', ref: 'main', 'snapshot-id': 17 },
      { type: 'assert-current-schema-id', 'current-schema-id': 17 },
    ]
    for (const requirement of wrong) {
      expect(await failure(commit([], [requirement]))).toEqual([409, 'CommitFailedException'])
    }
  })

  it('are refused where they ask for what there is not', async () => {
    const snapshot = { 'snapshot-id': 1, 'manifest-list': 'file:///etc/passwd' }
    const refused: object[][] = [
      [{ action: 'conquer' }],
      [{ action: 'upgrade-format-version', 'format-version': 3 }],
      [{ action: 'add-snapshot', snapshot }],
      [
        { action: 'add-snapshot', snapshot },
        { action: 'set-snapshot-ref', 'ref-name': 'dev', type: 'branch', 'snapshot-id': 1 },
      ],
      [
        { action: 'add-snapshot', snapshot },
        { action: 'set-snapshot-ref', 'ref-name': 'main', type: 'branch', 'snapshot-id': 1 },
      ],
      [{ action: 'set-snapshot-ref', 'ref-name': 'main', type: 'branch', 'snapshot-id': 1 }],
      [{ action: 'remove-snapshots', 'snapshot-ids': [1] }],
      [{ action: 'add-spec', spec: { fields: [{ name: 'x' }] } }],
      [{ action: 'set-location', location: 'file:///elsewhere' }],
      [{ action: 'set-properties' }],
    ]
    for (const updates of refused) expect(await failure(commit(updates))).toEqual([400, 'BadRequestException'])
    expect(await failure(commit([], [{ type: 'assert-luck' }]))).toEqual([400, 'BadRequestException'])
    expect(await failure(ask(url, { method: 'POST', payload: '{' }))).toEqual([400, 'BadRequestException'])
  })

  it('come as transactions, too', async () => {
    const change = (name: string) => ({
      identifier: { namespace: ['web'], name },
      requirements: [],
      updates: [{ action: 'set-properties', updates: { by: 'transaction' } }],
    })
    expect((await send('/transactions/commit', { 'table-changes': [change('logs')] })).statusCode).toBe(204)
    const { metadata } = (await ask(url)).json<{ metadata: { properties: Record<string, string> } }>()
    expect(metadata.properties['by']).toBe('transaction')
  })
})

describe('views', () => {
  it('come back as they were made, and are replaced and dropped', async () => {
    const made = await send('/namespaces/web/views', {
      name: 'seen',
      schema,
      'view-version': viewVersion,
      properties: { a: 'b' },
    })
    expect(made.statusCode, made.body).toBe(200)
    const loaded = (await ask('/namespaces/web/views/seen')).json<{ metadata: Record<string, unknown> }>()
    expect(loaded.metadata).toMatchObject({
      'format-version': 1,
      'current-version-id': 1,
      schemas: [{ ...schema, 'schema-id': 1 }],
      versions: [{ ...viewVersion, 'version-id': 1, 'schema-id': 1 }],
      properties: { a: 'b' },
    })
    expect(await failure(send('/namespaces/web/views', { name: 'seen', schema, 'view-version': viewVersion }))).toEqual(
      [409, 'AlreadyExistsException'],
    )
    expect(await failure(send('/namespaces/web/views', { name: 'logs', schema, 'view-version': viewVersion }))).toEqual(
      [409, 'AlreadyExistsException'],
    )
    const uuid = loaded.metadata['view-uuid']
    const second = {
      ...viewVersion,
      'schema-id': 1,
      representations: [{ type: 'sql', sql: 'select 2', dialect: 'spark' }],
    }
    const replaced = await send('/namespaces/web/views/seen', {
      requirements: [{ type: 'assert-view-uuid', uuid }],
      updates: [
        { action: 'add-view-version', 'view-version': second },
        { action: 'set-current-view-version', 'view-version-id': -1 },
        { action: 'remove-properties', removals: ['a'] },
      ],
    })
    expect(replaced.json<{ metadata: object }>().metadata).toMatchObject({ 'current-version-id': 2, properties: {} })
    const stale = { requirements: [{ type: 'assert-view-uuid', uuid: 'other' }], updates: [] }
    expect(await failure(send('/namespaces/web/views/seen', stale))).toEqual([409, 'CommitFailedException'])
    const names = { source: { namespace: ['web'], name: 'seen' }, destination: { namespace: ['web'], name: 'known' } }
    expect((await send('/views/rename', names)).statusCode).toBe(204)
    expect((await ask('/namespaces/web/views')).json()).toMatchObject({
      identifiers: [{ namespace: ['web'], name: 'known' }],
    })
    expect((await ask('/namespaces/web/views/known', { method: 'DELETE' })).statusCode).toBe(204)
    expect(await failure(ask('/namespaces/web/views/known'))).toEqual([404, 'NoSuchViewException'])
  })
})

it('answers what it does not know in its own words', async () => {
  expect(await failure(ask('/nothing'))).toEqual([404, 'NotFoundException'])
  expect(await failure(ask('/config', { headers: { authorization: 'Basic x' } }))).toEqual([
    401,
    'NotAuthorizedException',
  ])
  expect(api.bugs).toEqual([])
})
