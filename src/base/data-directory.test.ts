import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'

import { openDataDirectory } from './data-directory.ts'
import { forkArguments } from './fork-arguments.ts'

let parent: string
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'biwa-directory-'))
})
afterEach(() => rm(parent, { recursive: true, force: true }))

async function holdElsewhere(directory: string): Promise<ChildProcess> {
  const entry = new URL('testing/lock-holder.ts', import.meta.url)
  const child = fork(entry, [directory], { execArgv: forkArguments(entry) })
  await once(child, 'message')
  return child
}

test('makes the directory, private, with those above it', async () => {
  const directory = await openDataDirectory(join(parent, 'a/b'))
  expect(directory.path).toBe(join(parent, 'a/b'))
  expect((await stat(directory.path)).mode & 0o777).toBe(0o700)
  await directory.release()
  expect(await readdir(directory.path)).toEqual([])
})

test('names the process that holds it, and takes over when that is killed', async () => {
  const holder = await holdElsewhere(parent)
  await expect(openDataDirectory(parent)).rejects.toMatchObject({
    code: 'startup',
    message: `The data directory ${parent} is already in use by process ${holder.pid}.`,
  })
  holder.kill('SIGKILL')
  await once(holder, 'exit')
  const directory = await openDataDirectory(parent)
  expect(await readdir(parent)).toHaveLength(1)
  await directory.release()
})

test('is not fooled by another process that got the id of a dead holder', async () => {
  await writeFile(join(parent, `biwa.lock.${process.ppid}.1`), '')
  await (await openDataDirectory(parent)).release()
})

test('never gives the directory to two at once', async () => {
  const attempts = await Promise.allSettled(Array.from({ length: 6 }, () => holdElsewhereOrFail(parent)))
  const holders = attempts.filter((attempt) => attempt.status === 'fulfilled').map(({ value }) => value)
  expect(holders.length).toBeLessThanOrEqual(1)
  for (const holder of holders) holder.kill('SIGKILL')
})

async function holdElsewhereOrFail(directory: string): Promise<ChildProcess> {
  const entry = new URL('testing/lock-holder.ts', import.meta.url)
  const child = fork(entry, [directory], {
    execArgv: forkArguments(entry),
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  })
  await Promise.race([once(child, 'message'), once(child, 'exit').then(() => Promise.reject(new Error('refused')))])
  return child
}

test('says in one sentence why it cannot be written', async () => {
  await writeFile(join(parent, 'file'), '')
  await expect(openDataDirectory(join(parent, 'file/data'))).rejects.toMatchObject({
    code: 'startup',
    message: `The data directory ${parent}/file/data cannot be written: a part of the path is a file.`,
  })
  await expect(openDataDirectory(join(parent, 'file'))).rejects.toMatchObject({ code: 'startup' })
})
