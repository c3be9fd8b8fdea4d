import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, beforeEach, describe, expect, test } from 'vitest'

import { systemClock } from '../clock.ts'
import type { Disk, DiskFile } from '../disk.ts'
import { systemDisk } from '../disk.ts'
import { AppError } from '../errors.ts'
import { systemRandomness } from '../randomness.ts'
import { openDirectoryStore } from './directory-store.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'biwa-objects-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const open = (disk: Disk = systemDisk) =>
  openDirectoryStore({ root: join(folder, 'deep/objects'), disk, clock: systemClock, randomness: systemRandomness })

/** A disk that notes what is asked of it, in order, with paths below the test's folder. */
function notingDisk(notes: string[]): Disk {
  const shown = (path: string) => path.slice(folder.length + 1).replace(/[0-9a-f]{32}/, '*')
  return {
    ...systemDisk,
    async open(path, mode) {
      const file = await systemDisk.open(path, mode)
      notes.push(`open ${shown(path)} ${mode}`)
      const noted: DiskFile = {
        read: (offset, length) => file.read(offset, length),
        write: (data, offset) => file.write(data, offset),
        writeAll: (data, offset) => file.writeAll(data, offset),
        writeDurably: (data, offset) => file.writeDurably(data, offset),
        allocate: (length) => file.allocate(length),
        size: () => file.size(),
        async sync() {
          notes.push(`sync ${shown(path)}`)
          await file.sync()
        },
        close: () => file.close(),
      }
      return noted
    },
    async rename(from, to) {
      notes.push(`rename ${shown(from)} ${shown(to)}`)
      await systemDisk.rename(from, to)
    },
    async syncDirectory(path) {
      notes.push(`sync directory ${shown(path)}`)
      await systemDisk.syncDirectory(path)
    },
  }
}

describe('durability in a directory', () => {
  test('an object has its name only after its bytes, and its name is durable when put resolves', async () => {
    const notes: string[] = []
    const store = await open(notingDisk(notes))
    notes.length = 0
    await store.put('a/b/c', Buffer.from('x'))
    expect(notes).toEqual([
      'sync directory deep/objects',
      'sync directory deep/objects/a',
      'open deep/objects/.tmp/* create',
      'sync deep/objects/.tmp/*',
      'rename deep/objects/.tmp/* deep/objects/a/b/c',
      'sync directory deep/objects/a/b',
    ])
    notes.length = 0
    await store.put('a/b/d', Buffer.from('x'))
    expect(notes.filter((note) => note.startsWith('sync directory'))).toEqual(['sync directory deep/objects/a/b'])
  })

  test('names that come while their directory is synced share the next sync, and are durable only then', async () => {
    const store = await open()
    await store.put('a/first', Buffer.from('x'))
    const renamed: string[] = []
    const syncs: { readonly names: readonly string[]; readonly end: (failure?: Error) => void }[] = []
    const slow = await open({
      ...systemDisk,
      async rename(from, to) {
        await systemDisk.rename(from, to)
        renamed.push(to.slice(-1))
      },
      syncDirectory: (path) =>
        path.endsWith('/a')
          ? new Promise((resolve, reject) => {
              const end = (failure?: Error) => (failure === undefined ? resolve() : reject(failure))
              syncs.push({ names: [...renamed], end })
            })
          : systemDisk.syncDirectory(path),
    })
    const durable: string[] = []
    const put = async (name: string) => {
      await slow.put(`a/${name}`, Buffer.from(name))
      durable.push(name)
    }
    const puts = [put('1')]
    await expect.poll(() => syncs.length).toBe(1)
    puts.push(put('2'), put('3'))
    await expect.poll(() => renamed.length).toBe(3)
    expect(syncs.map(({ names }) => names.length)).toEqual([1])
    syncs[0]?.end()
    await puts[0]
    await expect.poll(() => syncs.length).toBe(2)
    expect(syncs[1]?.names).toHaveLength(3)
    expect(durable).toEqual(['1'])
    // Whoever asks whether the others are there has them made durable first.
    const size = slow.size('a/2')
    syncs[1]?.end(Object.assign(new Error('EIO'), { code: 'EIO' }))
    await expect(Promise.allSettled(puts)).resolves.toMatchObject([
      { status: 'fulfilled' },
      { status: 'rejected' },
      { status: 'rejected' },
    ])
    await expect.poll(() => syncs.length).toBe(3)
    syncs[2]?.end()
    expect(await size).toBe(1)
    expect(syncs).toHaveLength(3)
  })

  test('a file is synced before it is taken in', async () => {
    const notes: string[] = []
    const store = await open(notingDisk(notes))
    await writeFile(join(folder, 'file'), 'x')
    notes.length = 0
    await store.putFile('a', join(folder, 'file'))
    expect(notes).toEqual(['open file write', 'sync file', 'rename file deep/objects/a', 'sync directory deep/objects'])
  })

  test('a file of another disk is copied', async () => {
    const store = await open({
      ...systemDisk,
      async rename(from, to) {
        if (from.endsWith('/file')) throw Object.assign(new Error('EXDEV'), { code: 'EXDEV' })
        await systemDisk.rename(from, to)
      },
    })
    const body = Buffer.alloc(2_500_000, 'abc')
    await writeFile(join(folder, 'file'), body)
    await store.putFile('a', join(folder, 'file'))
    expect((await store.get('a')).equals(body)).toBe(true)
    expect(await readdir(folder)).toEqual(['deep'])
  })

  test('a failed put leaves neither an object nor a temporary file', async () => {
    let full = false
    const store = await open({
      ...systemDisk,
      async rename(from, to) {
        if (full) throw new AppError('storage_full', 'The disk is full.')
        await systemDisk.rename(from, to)
      },
    })
    full = true
    await expect(store.put('a', Buffer.from('x'))).rejects.toMatchObject({ code: 'storage_full' })
    expect(await store.size('a')).toBeUndefined()
    expect(await readdir(join(folder, 'deep/objects/.tmp'))).toEqual([])
  })

  test('what the system says arrives as one of three codes', async () => {
    const store = await open({
      ...systemDisk,
      open: () => Promise.reject(Object.assign(new Error('EIO: i/o error'), { code: 'EIO' })),
    })
    await expect(store.put('a', Buffer.from('x'))).rejects.toMatchObject({ code: 'object_store_unavailable' })
    await expect(store.get('a')).rejects.toMatchObject({ code: 'object_store_unavailable' })
  })

  test('a directory that cannot be written fails at once with one sentence', async () => {
    await mkdir(join(folder, 'deep'), { recursive: true })
    await writeFile(join(folder, 'deep/objects'), 'a file where the directory should be')
    await expect(open()).rejects.toMatchObject({ code: 'object_store_unavailable' })
  })

  test('temporary files of the dead are removed, those of the living stay', async () => {
    await open()
    const temporary = join(folder, 'deep/objects/.tmp')
    await writeFile(join(temporary, 'old'), 'x')
    await writeFile(join(temporary, 'new'), 'x')
    const twoDaysAgo = new Date(systemClock.nowMs() - 48 * 3600 * 1000)
    await utimes(join(temporary, 'old'), twoDaysAgo, twoDaysAgo)
    await open()
    expect(await readdir(temporary)).toEqual(['new'])
  })
})
