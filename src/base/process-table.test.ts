import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { expect, test } from 'vitest'

import { birthOf, commandOf, isAlive, processesIn, residentBytesOf } from './process-table.ts'

test('tells this process from others and from none', async () => {
  expect(isAlive(process.pid)).toBe(true)
  expect(await birthOf(process.pid)).toBe(await birthOf(process.pid))
  expect(await residentBytesOf(process.pid)).toBeGreaterThan(10 * 2 ** 20)
  const child = spawn('/bin/sh', ['-c', 'read line', 'recognisable'])
  const pid = child.pid ?? 0
  expect(isAlive(pid)).toBe(true)
  expect(await commandOf(pid)).toContain('recognisable')
  child.kill('SIGKILL')
  await once(child, 'exit')
  expect(isAlive(pid)).toBe(false)
  expect(await Promise.all([birthOf(pid), commandOf(pid), residentBytesOf(pid)])).toEqual([
    undefined,
    undefined,
    undefined,
  ])
})

test('finds the processes that work in a directory', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'biwa-processes-'))
  expect(await processesIn(directory)).toEqual([])
  const child = spawn(process.execPath, ['-e', 'process.stdin.resume()'], { cwd: directory })
  await once(child, 'spawn')
  expect(await processesIn(directory)).toEqual([{ pid: child.pid, program: basename(process.execPath) }])
  child.kill('SIGKILL')
  await once(child, 'exit')
  expect(await processesIn(directory)).toEqual([])
  await rm(directory, { recursive: true })
})

test('does not take a zombie for alive', async () => {
  // The inner shell ends at once, and the outer one, which became `sleep`, never asks how.
  const parent = spawn('/bin/sh', ['-c', 'sh -c "exit 0" & echo $!; exec sleep 600'])
  const [line] = (await once(parent.stdout, 'data')) as [Buffer]
  await expect.poll(() => isAlive(Number(line.toString()))).toBe(false)
  parent.kill('SIGKILL')
})
