import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'

import { afterEach, beforeEach, describe, expect, test } from 'vitest'

import { commands } from './commands.ts'
import { run } from './run.ts'
import { fakeTerminal } from './testing/fake-terminal.ts'
import type { FakeTerminal, FakeTerminalOptions } from './testing/fake-terminal.ts'
import { problem, scriptedServer } from './testing/scripted-server.ts'
import type { ReceivedRequest, ScriptedAnswer, ScriptedServer } from './testing/scripted-server.ts'

let server: ScriptedServer
let directory: string
let answers: (request: ReceivedRequest, number: number) => ScriptedAnswer | Promise<ScriptedAnswer>
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'biwa-cli-'))
  answers = () => problem(404, 'route_not_found')
  server = await scriptedServer((request, number) => answers(request, number))
})
afterEach(async () => {
  await server.close()
  rmSync(directory, { recursive: true, force: true })
})

function terminalOf(options: FakeTerminalOptions = {}): FakeTerminal {
  const environment = { BIWA_URL: server.url, BIWA_API_KEY: '1/abcdef', BIWA_DATABASE: 'demo', ...options.environment }
  return fakeTerminal({ workingDirectory: directory, ...options, environment })
}

async function biwa(words: readonly string[], options: FakeTerminalOptions = {}) {
  const terminal = terminalOf(options)
  const code = await run(words, terminal)
  return { code, output: terminal.output(), errors: terminal.errors() }
}

const sent = () => server.requests.map(({ method, path }) => `${method} ${path.replace('/api/v1', '')}`)

describe('the command line', () => {
  test('shows its help, and that of each command', async () => {
    expect(await biwa([])).toMatchObject({ code: 0, output: /Usage: biwa/, errors: '' })
    for (const { name } of commands) {
      expect(await biwa([name, '--help'])).toMatchObject({ code: 0, output: new RegExp(`Usage: biwa ${name}`) })
    }
    expect(await biwa(['help', 'table', 'tail'])).toMatchObject({ code: 0, output: /--follow/ })
  })

  test.each([
    [['qury'], /Did you mean query/],
    [['db', 'lst'], /Did you mean list/],
    [['query', 'select 1', '--formt', 'csv'], /Did you mean --format/],
    [['db', 'show'], /missing required argument/],
    [['query', 'select 1', '-f', 'xml'], /“xml” is not a format/],
    [['query', 'select 1', '--priority', '9'], /from -2 to 2/],
    [['query', ''], /no SQL/],
    [['import', 'x.csv'], /no table/],
    [['import', '/nowhere/x.csv', 'demo.t'], /no file/],
    [['import', '-', 'demo.t'], /format/],
    [['db', 'delete', 'demo'], /Nobody is there to agree/],
    [['api', 'TRACE', '/x'], /not a method/],
  ])('refuses %j', async (words, complaint) => {
    answers = () => ({ body: { name: 'demo', table_count: 1 } })
    const { code, output, errors } = await biwa(words)
    expect({ code, output }).toEqual({ code: 2, output: '' })
    expect(errors).toMatch(complaint)
  })

  test('ends with the code of what failed', async () => {
    answers = () => problem(401, 'unauthenticated')
    expect((await biwa(['db', 'list'])).code).toBe(3)
    answers = () => problem(404, 'database_not_found', { hint: 'Did you mean "demo"?' })
    const { code, output, errors } = await biwa(['db', 'show', 'dmo'])
    expect({ code, output }).toEqual({ code: 4, output: '' })
    expect(errors).toBe(
      'error: It is database_not_found.\n  where: GET /databases/dmo\n  next:  Did you mean "demo"?\n  request request-1\n',
    )
    expect((await biwa(['db', 'list', '--url', 'http://127.0.0.1:2'])).code).toBe(69)
  })
})

describe('lists', () => {
  const items = [{ id: 1, name: 'demo', table_count: 2, created_at: '2026-01-01T00:00:00Z' }]

  test('are TSV for a program and a table for a person', async () => {
    answers = () => ({ body: { items, next_cursor: null } })
    expect((await biwa(['db', 'list'])).output).toBe('name\ttable_count\tcreated_at\ndemo\t2\t2026-01-01T00:00:00Z\n')
    expect((await biwa(['db:list'], { interactive: true })).output).toContain('│ demo │           2 │')
    expect((await biwa(['db', 'list'], { interactive: true, columns: 20 })).output).toContain('table_count | 2\n')
    expect(JSON.parse((await biwa(['db', 'list', '-f', 'json'])).output)).toEqual([
      { name: 'demo', table_count: 2, created_at: '2026-01-01T00:00:00Z' },
    ])
  })

  test('print nothing but the key when one is made', async () => {
    answers = () => ({ status: 201, body: { id: 7, kind: 'query', key: '1/secret' } })
    const { output, errors } = await biwa(['key', 'create', '--kind', 'query'])
    expect(output).toBe('1/secret\n')
    expect(errors).not.toContain('secret')
  })

  test('never print the key that is configured', async () => {
    expect((await biwa(['config', 'show'])).output).not.toContain('abcdef')
    expect((await biwa(['config', 'show'], { environment: { BIWA_API_KEY: '12/0123456789abcdef' } })).output).toContain(
      '12/…cdef',
    )
  })
})

const columns = [
  { name: 'n', type: 'bigint' },
  { name: 'n', type: 'varchar' },
]

function jobJson(state: string, more: object = {}) {
  const statistics = { scans: [], bytes_scanned: 0, from_metadata: false, plan_ms: 1, run_ms: 2 }
  const result = { statement: 'select', columns, rows: 2, bytes: 10, downloadable: true, statistics }
  return {
    id: 17,
    kind: 'query',
    state,
    error: null,
    progress: null,
    query: { sql: 'select', database: 'demo', result },
    ...more,
  }
}

const ndjson = '{"n":9007199254740993,"n_1":"a\\tb"}\n{"n":null,"n_1":""}\n'

function answersOfQuery(result: (request: ReceivedRequest, number: number) => ScriptedAnswer) {
  return (request: ReceivedRequest, number: number): ScriptedAnswer => {
    if (request.path.endsWith('/queries')) return { status: 200, body: jobJson('success') }
    return request.path.endsWith('/result') ? result(request, number) : { body: jobJson('success') }
  }
}

describe('query', () => {
  test('hands on the bytes of the server in its formats', async () => {
    answers = answersOfQuery(({ query }) => ({ body: Buffer.from(`as ${query.get('format')}`) }))
    expect(await biwa(['query', 'select 1'])).toEqual({ code: 0, output: 'as tsv', errors: '' })
    expect((await biwa(['query', 'select 1', '-f', 'csv'])).output).toBe('as csv')
    expect((await biwa(['query', 'select 1', '-f', 'parquet'])).output).toBe('as parquet')
    const body = JSON.parse(server.requests[0]?.body.toString() ?? '') as Record<string, unknown>
    expect(body).toMatchObject({ sql: 'select 1', database: 'demo' })
    expect(body['idempotency_key']).toMatch(/^cli-/)
  })

  test('keeps every digit in what it makes itself', async () => {
    answers = answersOfQuery(() => ({ body: Buffer.from(ndjson) }))
    expect((await biwa(['query', 'select 1', '-f', 'json'])).output).toBe(
      '[\n{"n":9007199254740993,"n_1":"a\\tb"},\n{"n":null,"n_1":""}\n]\n',
    )
    expect((await biwa(['query', 'select 1', '-f', 'vertical'])).output).toBe(
      'n | 9007199254740993\nn | a\tb\n\nn | NULL\nn | \n',
    )
    expect((await biwa(['query', 'select 1'], { interactive: true })).output).toContain('│ 9007199254740993 │')
  })

  test('tells when a table does not show all', async () => {
    answers = answersOfQuery(() => ({ body: Buffer.from(ndjson) }))
    const { output, errors } = await biwa(['query', 'select 1', '-f', 'markdown', '--limit', '1'])
    expect(output.split('\n').length).toBe(4)
    expect(errors).toContain('1 of 2 rows')
  })

  test('reads SQL from an argument, a file or standard input, and fills in parameters', async () => {
    answers = answersOfQuery(() => ({ body: Buffer.from('') }))
    writeFileSync(join(directory, 'q.sql'), 'select ${name}')
    await biwa(['query', '-q', join(directory, 'q.sql'), '--param', "name=it's"])
    await biwa(['query'], { input: 'select 2' })
    await biwa(['query', '--dry-run', 'select 3'])
    const sql = server.requests
      .filter(({ method }) => method === 'POST')
      .map(({ body }) => (JSON.parse(body.toString()) as { sql: string }).sql)
    expect(sql).toEqual(["select 'it''s'", 'select 2', 'explain select 3'])
  })

  test('writes a file that appears when it is whole, and goes on after a break', async () => {
    const bytes = Buffer.from('0123456789')
    answers = answersOfQuery(({ headers }) => {
      const range = /bytes=(\d+)-/.exec(headers.range ?? '')
      if (range === null) return { headers: { etag: '"e"' }, body: bytes.subarray(0, 4), cut: true }
      return { status: 206, headers: { etag: '"e"' }, body: bytes.subarray(Number(range[1])) }
    })
    const file = join(directory, 'out.csv')
    const { code, output, errors } = await biwa(['query', 'select 1', '-o', file])
    expect({ code, output }).toEqual({ code: 0, output: '' })
    expect(errors).toContain('Wrote 2 rows')
    expect(readFileSync(file, 'utf8')).toBe('0123456789')
    expect(server.requests.at(-1)).toMatchObject({ headers: { range: 'bytes=4-', 'if-range': '"e"' } })
    expect(server.requests.find(({ path }) => path.endsWith('/result'))?.query.get('format')).toBe('csv')
    expect(readdirSync(directory)).toEqual(['out.csv'])
  })

  test('leaves no half of a file behind when the result changes meanwhile', async () => {
    answers = answersOfQuery(({ headers }) =>
      headers.range === undefined
        ? { headers: { etag: '"e"' }, body: Buffer.from('01'), cut: true }
        : { headers: { etag: '"f"' }, body: Buffer.from('99') },
    )
    expect((await biwa(['query', 'select 1', '-o', join(directory, 'out.tsv')])).code).toBe(5)
    expect(readdirSync(directory)).toEqual([])
  })

  test('does not pour bytes on a terminal, nor guess a format', async () => {
    expect((await biwa(['query', 'select 1', '-f', 'parquet'], { interactive: true })).code).toBe(2)
    expect((await biwa(['query', 'select 1', '-o', 'out'])).code).toBe(2)
    expect(server.requests).toEqual([])
  })

  test('prints the id and leaves with --no-wait', async () => {
    answers = () => ({ status: 202, body: jobJson('queued') })
    expect(await biwa(['query', '--no-wait', 'select 1'])).toMatchObject({ code: 0, output: '17\n' })
  })

  test('waits, and fails as the job does', async () => {
    const error = {
      code: 'query_semantic',
      message: 'There is no column nme.',
      hint: 'Did you mean name?',
      retryable: false,
      position: { offset: 7 },
    }
    const query = { sql: 'select nme', database: 'demo', result: null }
    answers = ({ method }, number) =>
      method === 'POST'
        ? { status: 202, body: jobJson('running', { query }) }
        : { body: number < 4 ? jobJson('running') : jobJson('error', { error, query }) }
    const { code, output, errors } = await biwa(['query', 'select nme'])
    expect({ code, output }).toEqual({ code: 6, output: '' })
    expect(errors).toBe(
      'error: There is no column nme.\n  1 | select nme\n    |        ^\n  where: job 17, query_semantic\n  next:  Did you mean name?\n',
    )
    answers = () => ({ body: jobJson('killed') })
    expect((await biwa(['job', 'wait', '17'])).code).toBe(7)
  })

  test('stops waiting when it was told to', async () => {
    const terminal = terminalOf()
    answers = async () => {
      await terminal.clock.sleep(700)
      return { status: 202, body: jobJson('running') }
    }
    expect(await run(['query', 'select 1', '--wait-timeout', '2'], terminal)).toBe(8)
    expect(terminal.errors()).toContain('job 17 is still running')
  })
})

describe('Ctrl-C', () => {
  test('leaves the job running and tells how to come back', async () => {
    const terminal = terminalOf()
    answers = ({ method }) => {
      if (method === 'GET') terminal.interrupt()
      return { status: 202, body: jobJson('running') }
    }
    expect(await run(['query', 'select 1'], terminal)).toBe(130)
    expect(terminal.errors()).toContain('biwa job wait 17')
    expect(sent().some((request) => request.includes('kill'))).toBe(false)
  })

  test('kills the job the second time', async () => {
    const terminal = terminalOf()
    let killed = false
    answers = ({ method, path }) => {
      if (path.endsWith('/kill')) killed = true
      else if (method === 'GET') {
        terminal.interrupt()
        terminal.interrupt()
      }
      return { body: jobJson(killed ? 'killed' : 'running', { former_state: 'running' }) }
    }
    expect(await run(['query', 'select 1'], terminal)).toBe(7)
    expect(sent()).toContain('POST /jobs/17/kill')
  })
})

describe('import', () => {
  const outcome = { accepted: 2, quarantined: 0, rejected: [], duplicate: false, seconds: 0.1 }

  function file(name: string, content: string | Buffer): string {
    writeFileSync(join(directory, name), content)
    return join(directory, name)
  }

  test('sends a file to a table, and tells what became of it', async () => {
    answers = ({ query }) => ({ body: { ...outcome, id: query.get('id') } })
    const path = file('a.csv', 'time,x\n1,2\n3,4\n')
    const { code, output, errors } = await biwa([
      'import',
      path,
      'logs.access',
      '--wait',
      '--time-column',
      'time',
      '--summary',
      'json',
    ])
    expect(code).toBe(0)
    const [request] = server.requests
    expect(request).toMatchObject({ method: 'POST', path: '/api/v1/databases/logs/tables/access/import' })
    expect(Object.fromEntries(request?.query ?? [])).toMatchObject({
      format: 'csv',
      time_column: 'time',
      wait: 'visible',
    })
    expect(request?.body.toString()).toBe('time,x\n1,2\n3,4\n')
    expect(errors).toContain('Imported into logs.access: 2 records')
    expect(JSON.parse(output)).toMatchObject([
      { table: 'logs.access', bodies: 1, records: 2, accepted: 2, quarantined: 0 },
    ])
  })

  test('inflates files, and sends several with ids of their own', async () => {
    answers = () => ({ status: 202, body: { id: 'x', bytes: 1 } })
    const gz = file('a.ndjson.gz', gzipSync('{"a":1}\n'))
    const plain = file('b.ndjson', '{"a":1}\n')
    expect(await biwa(['import', gz, plain, '-t', 'access'])).toMatchObject({
      code: 0,
      errors: /Sent to demo.access: 2 records/,
    })
    expect(server.requests.map(({ body }) => body.toString())).toEqual(['{"a":1}\n', '{"a":1}\n'])
    expect(new Set(server.requests.map(({ query }) => query.get('id'))).size).toBe(2)
    const broken = file('c.ndjson.gz', 'no gzip')
    expect(await biwa(['import', broken, 'access'])).toMatchObject({ code: 2, errors: /cannot be inflated/ })
  })

  test('uses the same ids when it is repeated, and others under a prefix', async () => {
    answers = () => ({ status: 202, body: { id: 'x', bytes: 1 } })
    const words = ['import', file('a.ndjson', '{"a":1}\n'), 'access']
    await biwa(words)
    await biwa(words)
    await biwa([...words, '--id-prefix', 'again'])
    const [first, second, third] = server.requests.map(({ query }) => query.get('id'))
    expect(second).toBe(first)
    expect(third).toBe(`again-${first}`)
    for (let time = 0; time < 2; time++)
      await biwa(['import', '-', 'access', '--format', 'ndjson'], { input: '{"a":1}\n' })
    const [, , , fourth, fifth] = server.requests.map(({ query }) => query.get('id'))
    expect(fifth).not.toBe(fourth)
  })

  test('sends a body again until it is taken', async () => {
    answers = (_, number) => (number < 3 ? problem(503, 'overloaded') : { status: 202, body: { id: 'x', bytes: 1 } })
    const { code, errors } = await biwa(['import', file('a.ndjson', '{"a":1}\n'), 'access'])
    expect(code).toBe(0)
    expect(errors).toContain('Trying again.')
    expect(new Set(server.requests.map(({ query }) => query.get('id'))).size).toBe(1)
  })

  test('tells how much arrived when it breaks off', async () => {
    const line = `${JSON.stringify({ text: 'x'.repeat(990) })}\n`
    const path = file('big.ndjson', line.repeat(30_000))
    answers = (_, number) =>
      number < 3 ? { status: 202, body: { id: 'x', bytes: 1 } } : problem(413, 'body_too_large')
    const { code, errors } = await biwa(['import', path, 'access', '--parallel', '1'])
    expect(code).toBe(2)
    expect(errors).toMatch(/16 MB in 2 parts arrived. Run the same command again/)
  })

  test('shows what was quarantined, and fails over it only when it shall', async () => {
    const rejected = [{ record_number: 1, reason: 'json_syntax', detail: 'unexpected end' }]
    answers = () => ({ body: { ...outcome, accepted: 1, quarantined: 1, rejected } })
    const path = file('a.ndjson', '{"a":1}\n{"a":\n')
    const { code, errors } = await biwa(['import', path, 'access', '-w'])
    expect(code).toBe(0)
    expect(errors).toContain('a.ndjson, from byte 0, record 1: json_syntax: unexpected end')
    expect((await biwa(['import', path, 'access', '--strict'])).code).toBe(9)
  })

  test('tells what had been imported before', async () => {
    answers = () => ({ body: { ...outcome, duplicate: true } })
    const { code, errors } = await biwa(['import', file('a.ndjson', '{}\n{}\n'), 'access', '-w'])
    expect(code).toBe(0)
    expect(errors).toContain('2 records had been imported from the same files before')
    answers = () => ({ body: { ...outcome, quarantined: 1, duplicate: true } })
    expect((await biwa(['import', file('b.ndjson', '{}\n{}\n{\n'), 'access', '--strict'])).code).toBe(9)
  })

  test('stops at Ctrl-C, and tells that it can go on', async () => {
    const terminal = terminalOf()
    answers = (_, number) => {
      if (number === 2) terminal.interrupt()
      return { status: 202, body: { id: 'x', bytes: 1 } }
    }
    const path = file('big.ndjson', `${JSON.stringify({ text: 'x'.repeat(990) })}\n`.repeat(30_000))
    expect(await run(['import', path, 'access', '--parallel', '1'], terminal)).toBe(130)
    expect(terminal.errors()).toContain('Run the same command again')
  })
})

describe('table tail', () => {
  test('asks for the last rows by time', async () => {
    answers = answersOfQuery(() => ({ body: Buffer.from('as tsv') }))
    expect((await biwa(['table', 'tail', 'events', '-n', '3'])).output).toBe('as tsv')
    expect((JSON.parse(server.requests[0]?.body.toString() ?? '') as { sql: string }).sql).toBe(
      'select * from (select * from "demo"."events" order by time desc limit 3) order by time',
    )
  })
})

describe('table tail --follow', () => {
  test('shows each row that arrives once, as soon as the table is there', async () => {
    const terminal = terminalOf()
    const row = (n: number, time = 1) => `{"time":${time},"n":${n}}\n`
    // What the table holds at each look; the same row twice is two rows.
    const looks = [row(1) + row(2) + row(2), row(1) + row(2) + row(2) + row(2), row(2) + row(3, 5)]
    let snapshot = 0
    let asked = 0
    const over = new Error('the test has seen enough')
    const sleep = terminal.clock.sleep.bind(terminal.clock)
    terminal.clock.sleep = async (ms) => {
      if (snapshot > looks.length) throw over
      await sleep(ms)
    }
    answers = ({ path }) => {
      if (path.endsWith('/tables/events')) {
        asked++
        if (asked === 1) return problem(404, 'table_not_found')
        // Every second time, nothing has changed.
        if (asked % 2 === 0) snapshot++
        return { body: { name: 'events', snapshot, columns: [] } }
      }
      if (path.endsWith('/result')) return { body: Buffer.from(looks[Math.min(snapshot, looks.length) - 1] ?? '') }
      const result = { statement: 'select', columns: [{ name: 'time' }, { name: 'n' }], rows: 1, downloadable: true }
      return { body: jobJson('success', { query: { sql: '', database: null, result } }) }
    }
    expect(await run(['table', 'tail', 'events', '--follow', '-n', '2'], terminal)).toBe(1)
    expect(terminal.errors()).toContain('the test has seen enough')
    expect(terminal.errors()).toContain('Waiting for demo.events')
    expect(terminal.output()).toBe(row(2) + row(2) + row(2) + row(3, 5))
  })
})

describe('sql', () => {
  test('runs a script statement by statement until one fails', async () => {
    const statements: string[] = []
    answers = (request) => {
      if (request.path.endsWith('/result')) return { body: Buffer.from('r\n') }
      const { sql } = JSON.parse(request.body.toString()) as { sql: string }
      statements.push(sql)
      return { body: jobJson(sql === 'bad' ? 'error' : 'success') }
    }
    const { code, output } = await biwa(['sql'], { input: "select ';';\nbad; select 3;" })
    expect({ code, output, statements }).toEqual({ code: 6, output: 'r\n', statements: ["select ';'", 'bad'] })
  })

  test('talks line by line', async () => {
    const statements: string[] = []
    answers = (request) => {
      if (request.path.endsWith('/result')) return { body: Buffer.from(ndjson) }
      if (request.path.endsWith('/tables'))
        return { body: { items: [{ name: 'events', rows: 3, bytes: 4, updated_at: 'now' }], next_cursor: null } }
      if (request.path.endsWith('/databases/logs')) return { body: { name: 'logs' } }
      const { sql } = JSON.parse(request.body.toString()) as { sql: string }
      statements.push(sql)
      return { body: jobJson(sql === 'bad' ? 'error' : 'success', { error: { code: 'query_syntax', message: 'No.' } }) }
    }
    const input = '\\d\n\\c logs\n\\timing\n\\nothing\nselect\n1;\nbad;\n\\x\nselect 2;\n\\q\nselect 3;\n'
    const { code, output, errors } = await biwa(['sql'], {
      input,
      interactive: true,
      environment: { XDG_STATE_HOME: directory },
    })
    expect(code).toBe(0)
    expect(statements).toEqual(['select\n1', 'bad', 'select 2'])
    expect(output).toContain('events')
    expect(output).toContain('│ 9007199254740993 │')
    expect(output).toContain('n | 9007199254740993\n')
    expect(errors).toContain('There is no command \\nothing')
    expect(errors).toContain('2 rows in')
  })
})

describe('doctor', () => {
  test('tells what is well, what is not, and what to do', async () => {
    const checks = [
      { name: 'database', ok: true, detail: null },
      { name: 'object_store', ok: false, detail: 'the bucket is gone' },
    ]
    const late = new Date(Date.UTC(2026, 10, 21) + 60_000).toUTCString()
    answers = ({ path }) => {
      if (path === '/healthz') return { body: {}, headers: { date: late } }
      if (path.endsWith('/status')) return { body: { version: '1', ok: false, checks, jobs: [] } }
      return {
        body: { id: 1, name: 'main', created_at: '', user: { id: 1, role: 'owner' }, key: { id: 1, kind: 'full' } },
      }
    }
    const { code, output } = await biwa(['doctor', '-f', 'json'])
    expect(code).toBe(9)
    const findings = JSON.parse(output) as { check: string; ok: boolean; next: string | null }[]
    const ok = Object.fromEntries(findings.map((finding) => [finding.check, finding.ok]))
    expect(ok).toMatchObject({ node: true, server: true, clock: false, key: true, database: true, object_store: false })
    for (const finding of findings) expect(finding.next === null).toBe(finding.ok)
  })
})

test('login tries the key before it keeps it', async () => {
  answers = ({ headers }) =>
    headers.authorization === 'Bearer 1/good'
      ? { body: { id: 1, name: 'main', user: { id: 1, role: 'owner' }, key: { id: 1, kind: 'full' } } }
      : problem(401, 'unauthenticated')
  const environment = { BIWA_API_KEY: '' }
  expect((await biwa(['login'], { input: '1/bad\n', environment })).code).toBe(3)
  expect(readdirSync(directory)).toEqual([])
  expect((await biwa(['login', '--profile', 'work'], { input: '1/good\n', environment })).code).toBe(0)
  const shown = await biwa(['config', 'show', '--profile', 'work', '-f', 'csv'], {
    environment: { BIWA_URL: '', BIWA_API_KEY: '' },
  })
  expect(shown.output).toContain(server.url)
})

test('bodies are compressed on a way that is long', async () => {
  const { encodeBody, isOnThisMachine } = await import('./import/encode-body.ts')
  const text = Buffer.from(Array.from({ length: 1000 }, (_, n) => `{"n":${n * 7919}}`).join('\n'))
  const { body, encoding } = await encodeBody(text)
  expect(encoding).toBe('gzip')
  expect(gunzipSync(body)).toEqual(text)
  expect((await encodeBody(Buffer.alloc(1_000_000))).encoding).toBe('identity')
  expect(
    ['http://127.0.0.1:1', 'http://localhost', 'http://[::1]:2', 'https://example.com'].map(isOnThisMachine),
  ).toEqual([true, true, true, false])
})
