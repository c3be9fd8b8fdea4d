import { spawnSync } from 'node:child_process'
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

import { systemDisk } from '../disk.ts'
import { systemRandomness } from '../randomness.ts'
import { LocalCache } from './local-cache.ts'
import type { LocalObject } from './objects.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'biwa-cache-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const open = (bytesMax: number, at = join(folder, 'cache')) =>
  LocalCache.open({ directory: at, bytesMax, disk: systemDisk, randomness: systemRandomness })

describe('the local cache', () => {
  test('loads once for all who ask at the same time, and not again', async () => {
    const cache = await open(1000)
    let loads = 0
    const load = async (path: string) => {
      loads += 1
      await writeFile(path, 'x')
    }
    const held = await Promise.all(Array.from({ length: 20 }, () => cache.hold('a', load)))
    expect(new Set(held.map(({ path }) => path)).size).toBe(1)
    for (const local of held) local.release()
    ;(await cache.hold('a', load)).release()
    expect(loads).toBe(1)
  })

  test('a failed load fails all who wait for it, leaves nothing, and is tried again by the next', async () => {
    const cache = await open(1000)
    const failing = async (path: string) => {
      await writeFile(path, 'half')
      throw new Error('broken off')
    }
    const asked = await Promise.allSettled([cache.hold('a', failing), cache.hold('a', failing)])
    expect(asked.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    const held = await cache.hold('a', (path) => writeFile(path, 'whole'))
    expect(await readFile(held.path, 'utf8')).toBe('whole')
    expect(await readdir(dirname(held.path))).toHaveLength(1)
  })

  test('the longest unused goes first, and never what is held', async () => {
    const cache = await open(30)
    const load = (path: string) => writeFile(path, '0123456789')
    const held = await cache.hold('held', load)
    for (const key of ['a', 'b']) (await cache.hold(key, load)).release()
    ;(await cache.hold('a', load)).release()
    ;(await cache.hold('c', load)).release()
    let loads = 0
    const counting = async (path: string) => {
      loads += 1
      await load(path)
    }
    for (const key of ['held', 'a', 'c']) (await cache.hold(key, counting)).release()
    expect(loads).toBe(0)
    ;(await cache.hold('b', counting)).release()
    expect(loads).toBe(1)
    expect(await readFile(held.path, 'utf8')).toBe('0123456789')
  })

  test('an object that changes while it is loaded is loaded anew for those who ask later', async () => {
    const cache = await open(1000)
    let begin = () => {}
    let finish = () => {}
    const begun = new Promise<void>((resolve) => (begin = resolve))
    const finished = new Promise<void>((resolve) => (finish = resolve))
    const old = cache.hold('a', async (path) => {
      await writeFile(path, 'old')
      begin()
      await finished
    })
    await begun
    cache.forget('a')
    const fresh = await cache.hold('a', (path) => writeFile(path, 'new'))
    finish()
    expect(await readFile((await old).path, 'utf8')).toBe('old')
    expect(await readFile(fresh.path, 'utf8')).toBe('new')
    ;(await old).release()
    const again = await cache.hold('a', () => Promise.reject(new Error('not asked for')))
    expect(again.path).toBe(fresh.path)
  })

  test('takes a file over', async () => {
    const cache = await open(1000)
    await writeFile(join(folder, 'file'), 'mine')
    await cache.adopt('a', join(folder, 'file'))
    const held = await cache.hold('a', () => Promise.reject(new Error('not asked for')))
    expect(await readFile(held.path, 'utf8')).toBe('mine')
    expect(await readdir(folder)).toEqual(['cache'])
  })

  test('removes what processes left that are gone, and nothing else', async () => {
    const gone = spawnSync(process.execPath, ['-e', '']).pid
    const directory = join(folder, 'cache')
    const living = await open(1000)
    const held = await living.hold('a', (path) => writeFile(path, 'x'))
    await mkdir(join(directory, `${gone}-0123456789abcdef`))
    await writeFile(join(directory, `${gone}-0123456789abcdef/torn`), 'x')
    await mkdir(join(directory, 'not-ours'))
    const another = await open(1000)
    expect((await readdir(directory)).length).toBe(3)
    expect(await readdir(directory)).toContain('not-ours')
    expect(await readFile(held.path, 'utf8')).toBe('x')
    await Promise.all([living.close(), another.close()])
    expect(await readdir(directory)).toEqual(['not-ours'])
  })

  test('holds to its limit and its promises in any order of calls', async () => {
    type Step = { readonly do: 'hold' | 'release' | 'forget'; readonly key: string }
    const steps = fc.array(
      fc.record<Step>({
        do: fc.constantFrom('hold', 'hold', 'release', 'forget'),
        key: fc.constantFrom('a', 'b', 'c', 'd'),
      }),
      { maxLength: 30 },
    )
    let run = 0
    await fc.assert(
      fc.asyncProperty(steps, async (script) => {
        run += 1
        const cache = await open(25, join(folder, `run-${run}`))
        const versions = new Map<string, number>()
        const held: { key: string; text: string; local: LocalObject }[] = []
        for (const step of script) {
          const version = versions.get(step.key) ?? 0
          const text = `${step.key}:${version}`.padEnd(10, '.')
          if (step.do === 'hold') {
            held.push({ key: step.key, text, local: await cache.hold(step.key, (path) => writeFile(path, text)) })
          } else if (step.do === 'release') {
            held.splice(0, 1)[0]?.local.release()
          } else {
            versions.set(step.key, version + 1)
            cache.forget(step.key)
          }
          // What is held is there, as it was when it was asked for.
          for (const { local, text: expected } of held) expect(await readFile(local.path, 'utf8')).toBe(expected)
          const heldBytes = new Set(held.map(({ local }) => local.path)).size * 10
          expect(cache.bytes).toBeLessThanOrEqual(Math.max(25, heldBytes))
        }
        for (const { local } of held) local.release()
        expect(cache.bytes).toBeLessThanOrEqual(25)
        await cache.close()
      }),
      { numRuns: 60 },
    )
  })
})
