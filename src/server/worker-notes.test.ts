import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'

import { systemDisk } from '../base/disk.ts'
import { findGoneWorkers, noteWorker } from './worker-notes.ts'

const directory = join(mkdtempSync(join(tmpdir(), 'biwa-notes-')), 'workers')
afterAll(() => rmSync(join(directory, '..'), { recursive: true, force: true }))

test('names the workers that are gone and no living one, until they are forgotten', async () => {
  expect((await findGoneWorkers(systemDisk, directory)).names).toEqual([])
  await noteWorker(systemDisk, directory, 'worker this')
  writeFileSync(join(directory, '4194305.77'), 'worker of an id that nobody has')
  writeFileSync(join(directory, `${process.pid}.1`), 'worker of an earlier birth')
  const gone = await findGoneWorkers(systemDisk, directory)
  expect(gone.names.toSorted()).toEqual(['worker of an earlier birth', 'worker of an id that nobody has'])
  await gone.forget()
  expect((await findGoneWorkers(systemDisk, directory)).names).toEqual([])
  expect(readdirSync(directory)).toHaveLength(1)
})
