import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'

import { systemDisk } from '../base/disk.ts'
import { openLog } from '../base/log.ts'
import { findGoneWorkers, noteWorker } from './worker-notes.ts'

const directory = join(mkdtempSync(join(tmpdir(), 'biwa-notes-')), 'workers')
const log = openLog('silent')
afterAll(() => rmSync(join(directory, '..'), { recursive: true, force: true }))

test('names the workers that are gone and no living one, until they are forgotten', async () => {
  expect((await findGoneWorkers(systemDisk, directory, log)).names).toEqual([])
  await noteWorker(systemDisk, directory, 'worker this', log)
  writeFileSync(join(directory, '4194305.77'), 'worker of an id that nobody has')
  writeFileSync(join(directory, `${process.pid}.1`), 'worker of an earlier birth')
  const gone = await findGoneWorkers(systemDisk, directory, log)
  expect(gone.names.toSorted()).toEqual(['worker of an earlier birth', 'worker of an id that nobody has'])
  await gone.forget()
  expect((await findGoneWorkers(systemDisk, directory, log)).names).toEqual([])
  expect(readdirSync(directory)).toHaveLength(1)
})

test('takes nothing for a name that is none, and lets a worker start where nothing can be noted', async () => {
  writeFileSync(join(directory, '4194305.78'), Buffer.alloc(40))
  writeFileSync(join(directory, '4194305.79'), '')
  const gone = await findGoneWorkers(systemDisk, directory, log)
  expect(gone.names).toEqual([])
  await gone.forget()
  expect(readdirSync(directory)).toHaveLength(1)
  const file = join(directory, '..', 'file')
  writeFileSync(file, '')
  await noteWorker(systemDisk, file, 'worker', log)
  expect((await findGoneWorkers(systemDisk, file, log)).names).toEqual([])
})
