import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'

import { systemClock } from '../base/clock.ts'
import { systemDisk } from '../base/disk.ts'
import { openLog } from '../base/log.ts'
import { nameOfProcess } from '../base/process-names.ts'
import { endPredecessors, findPredecessors, noteRole } from './predecessors.ts'

const root = mkdtempSync(join(tmpdir(), 'biwa-notes-'))
const notes = { disk: systemDisk, directory: join(root, 'roles'), log: openLog('silent') }
afterAll(() => rmSync(root, { recursive: true, force: true }))

test('finds the processes that noted their roles and live, and forgets the others', async () => {
  expect(await findPredecessors(notes)).toEqual(new Map())
  expect(await noteRole(notes, 'api')).toBe(true)
  const name = await nameOfProcess(process.pid)
  for (const stranger of ['worker@4194305.77', `worker@${process.pid}.1`, `worker@${process.pid}.unknown`, 'worker@']) {
    writeFileSync(join(notes.directory, stranger), '')
  }
  expect(await findPredecessors(notes)).toEqual(new Map([['api', [name]]]))
  expect(readdirSync(notes.directory)).toEqual([`api@${name}`])
})

test('ends them, and nobody who got the id of one since', async () => {
  const child = spawn('sleep', ['600'])
  const ended = once(child, 'exit')
  const pid = child.pid ?? 0
  await endPredecessors([`${pid}.1`, `${pid}.unknown`], systemClock)
  expect(child.signalCode).toBeNull()
  await endPredecessors([await nameOfProcess(pid)], systemClock)
  expect(await ended).toEqual([null, 'SIGKILL'])
  await endPredecessors([`${pid}.1`], systemClock)
})

test('lets a process start where nothing can be noted, which is not found then', async () => {
  const file = join(root, 'file')
  writeFileSync(file, '')
  expect(await noteRole({ ...notes, directory: file }, 'api')).toBe(false)
  expect(await findPredecessors({ ...notes, directory: file })).toEqual(new Map())
})
