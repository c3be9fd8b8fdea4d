import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'

import { systemDisk } from '../base/disk.ts'
import { birthOf } from '../base/process-table.ts'
import { makeScratchDirectory } from './scratch-directory.ts'

const parent = mkdtempSync(join(tmpdir(), 'biwa-scratch-'))
afterAll(() => rmSync(parent, { recursive: true, force: true }))

test('removes what the dead left and nothing of the living', async () => {
  const living = `${process.ppid}.${(await birthOf(process.ppid))?.replaceAll(/[^0-9A-Za-z]+/g, '-')}`
  const left = ['4194305.77', `${process.ppid}.1`, 'query-12-34', living]
  for (const name of left) mkdirSync(join(parent, name))
  writeFileSync(join(parent, '4194305.77', 'spill'), 'x')
  const own = await makeScratchDirectory(systemDisk, parent)
  expect(existsSync(own)).toBe(true)
  expect(left.map((name) => existsSync(join(parent, name)))).toEqual([false, false, false, true])
})
