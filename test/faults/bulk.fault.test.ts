import { setTimeout as sleep } from 'node:timers/promises'

import { afterAll, beforeAll, expect, it } from 'vitest'

import { must } from '../../src/base/errors.ts'
import { descendants, startBiwa, strikeDead } from '../support/biwa.ts'
import type { Biwa } from '../support/biwa.ts'
import { queryRows } from '../support/query.ts'

const kills = Number(process.env['BIWA_TEST_KILLS'] ?? 4)
const [parts, rowsPerPart] = [3, 200]

let biwa: Biwa
const over = new AbortController()

beforeAll(async () => {
  biwa = await startBiwa()
})
afterAll(async () => {
  over.abort()
  await biwa.stop()
})

it(`puts every bulk import into its table once over ${kills} kills`, async () => {
  await ask('POST', '/v3/database/create/bulk', [200, 409])
  await ask('POST', '/v3/table/create/bulk/rows/log', [200, 409])
  const stop = new AbortController()
  const committed: string[] = []
  const senders = [0, 1].map(async (sender) => {
    for (let number = 0; !stop.signal.aborted; number += 1) {
      const name = `import-${sender}-${number}`
      await importInBulk(name)
      committed.push(name)
    }
  })
  const killed: string[] = []
  for (let round = 0; round < kills; round += 1) {
    await sleep(100 + Math.random() * 900)
    killed.push(killOne())
  }
  stop.abort()
  await Promise.all(senders)
  console.log(`killed: ${killed.join(' ')}; committed ${committed.length}`)
  const counts = await queryRows(biwa, 'select name, count(*), count(distinct n) from bulk.rows group by name', 'bulk')
  const rows = parts * rowsPerPart
  expect(new Map(counts.map(([name, all, distinct]) => [name, [Number(all), Number(distinct)]]))).toEqual(
    new Map(committed.map((name) => [name, [rows, rows]])),
  )
})

/** Brings an import from wherever it stands to its end, as a client does that is started again and again. */
async function importInBulk(name: string): Promise<void> {
  await ask('POST', `/v3/bulk_import/create/${name}/bulk/rows`, [200, 409])
  for (;;) {
    const { status, upload_frozen: isFrozen } = await ask('GET', `/v3/bulk_import/show/${name}`)
    if (status === 'committed') break
    if (status === 'ready') await ask('POST', `/v3/bulk_import/commit/${name}`)
    else if (status === 'performing' || status === 'committing') await sleep(30)
    else if (isFrozen === true) await ask('POST', `/v3/bulk_import/perform/${name}`)
    else {
      for (let part = 0; part < parts; part += 1) await uploadPart(name, part)
      await ask('POST', `/v3/bulk_import/freeze/${name}`)
    }
  }
  await ask('POST', `/v3/bulk_import/delete/${name}`, [200, 404])
}

async function uploadPart(name: string, part: number): Promise<void> {
  const lines = Array.from({ length: rowsPerPart }, (_, row) => ({ name, n: part * rowsPerPart + row, time: row }))
  const body = lines.map((line) => `${JSON.stringify(line)}\n`).join('')
  await ask('PUT', `/v3/bulk_import/upload_part/${name}/part${part}`, [200], body)
}

/** Asks until there is one of the answers that may be: whatever is killed meanwhile, asking again does no harm. */
async function ask(
  method: string,
  path: string,
  statuses: readonly number[] = [200],
  body?: string,
): Promise<Record<string, unknown>> {
  const patience = AbortSignal.timeout(300_000)
  let last = ''
  while (!over.signal.aborted && !patience.aborted) {
    try {
      const headers = { authorization: `TD1 ${biwa.apiKey}`, 'content-type': 'application/octet-stream' }
      const answer = await fetch(biwa.url + path, {
        method,
        headers: body === undefined ? { authorization: headers.authorization } : headers,
        ...(body !== undefined && { body }),
      })
      last = `${answer.status} ${await answer.text()}`
      if (statuses.includes(answer.status)) return JSON.parse(last.slice(4)) as Record<string, unknown>
      if (answer.status >= 400 && answer.status < 500 && answer.status !== 429) break
    } catch (error) {
      last = String(error)
    }
    await sleep(50)
  }
  throw new Error(`${method} ${path}: ${last}\n${biwa.log().slice(-3000)}`)
}

/** Kills a process of the roles or an engine; the supervisor starts it again. */
function killOne(): string {
  const victims = descendants(biwa.supervisor.pid ?? 0).flatMap(({ pid, command }) => {
    const [, kind] = /(api|worker|engine)\.js/.exec(command) ?? []
    return kind === undefined ? [] : [{ pid, kind }]
  })
  const { pid, kind } = must(victims[Math.floor(Math.random() * victims.length)], 'a server has processes')
  return strikeDead(pid) ? kind : `${kind}, gone already`
}
