import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { SimulatedDisk } from '../../../test/support/simulated-disk.ts'
import { systemClock } from '../../base/clock.ts'
import { openLog } from '../../base/log.ts'
import { systemRandomness } from '../../base/randomness.ts'
import { openDirectoryInbox } from './directory-inbox.ts'
import { openFrameSource } from './frame-source.ts'
import type { FrameHeader, FramePlace, Inbox, Leftover } from './inbox.ts'

const segmentBytes = 16 * 1024
const directory = '/inbox'

function openOn(disk: SimulatedDisk, clock = systemClock): Inbox {
  const ports = { disk, clock, randomness: systemRandomness, log: openLog('silent') }
  return openDirectoryInbox({ directory, segmentBytes, hold: async () => ({ release: async () => {} }), ...ports })
}

function headerOf(name: string): FrameHeader {
  const place = { accountId: 1, userId: 2, keyId: 3, database: 'd', table: 't', timeColumn: null }
  return { ...place, uniqueId: name, format: 'ndjson', encoding: 'identity', receivedAtUs: 1_700_000_000_000_000 }
}

/** Deterministic bytes of a length, so that the name alone tells what a frame must hold. */
function bodyOf(name: string, length: number): Buffer {
  return Buffer.alloc(length, `${name} `)
}

async function leftoversOf(inbox: Inbox): Promise<Leftover[]> {
  const found: Leftover[] = []
  for await (const leftover of inbox.leftovers()) found.push(leftover)
  return found
}

async function readAll(disk: SimulatedDisk, places: readonly FramePlace[]): Promise<Map<string, Buffer>> {
  const bodies = new Map<string, Buffer>()
  for (const { segment, from, to } of places) {
    const source = await openFrameSource(segment, { directory, disk, objects: undefined, postgres: undefined })
    if (source === undefined) continue
    for (const frame of (await source.read([[from, to]])).frames) {
      const { uniqueId } = frame.header
      expect(bodies.has(uniqueId ?? '')).toBe(false)
      bodies.set(uniqueId ?? '', await source.readBody(frame))
    }
    await source.close()
  }
  return bodies
}

/** A generator of numbers in [0, 1) that follows from its seed (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

describe('the inbox on a directory', () => {
  it('keeps frames that were acknowledged over crashes at any moment, whole and once', async () => {
    const bodyLength = fc.oneof(
      { weight: 6, arbitrary: fc.integer({ min: 0, max: 600 }) },
      { weight: 2, arbitrary: fc.integer({ min: 600, max: 6000 }) },
      { weight: 1, arbitrary: fc.integer({ min: segmentBytes, max: 3 * segmentBytes }) },
    )
    const life = fc.record({
      lengths: fc.array(bodyLength, { minLength: 1, maxLength: 60 }),
      cutAt: fc.integer({ min: 1, max: 400 }),
      settleShare: fc.double({ min: 0, max: 1, noNaN: true }),
    })
    const lives = fc.array(life, { minLength: 1, maxLength: 4 })
    await fc.assert(
      fc.asyncProperty(lives, fc.integer(), async (plans, seed) => {
        const random = seeded(seed)
        const disk = new SimulatedDisk(random)
        const acknowledged = new Map<string, number>()
        const settled = new Set<string>()
        for (const [life, { lengths, cutAt, settleShare }] of plans.entries()) {
          disk.cutPowerAt(cutAt)
          await liveUntilTheCut(disk, `life ${life}`, lengths, settleShare, random, acknowledged, settled)
          disk.restart()
        }
        const inbox = openOn(disk)
        await inbox.start()
        const leftovers = await leftoversOf(inbox)
        expect(leftovers.flatMap(({ damaged }) => damaged)).toEqual([])
        const bodies = await readAll(
          disk,
          leftovers.flatMap(({ frames }) => frames),
        )
        for (const [name, length] of acknowledged) {
          if (settled.has(name)) continue
          expect([name, bodies.get(name)?.equals(bodyOf(name, length))]).toEqual([name, true])
        }
        await inbox.stop()
      }),
      { numRuns: 150 },
    )
  })

  it('gives no body out of a segment that was released and has another one in that place', async () => {
    const disk = new SimulatedDisk(seeded(1))
    const inbox = openOn(disk)
    await inbox.start()
    const first = await inbox.append(headerOf('a'), bodyOf('a', 3000))
    const source = await openFrameSource(first.segment, { directory, disk, objects: undefined, postgres: undefined })
    if (source === undefined) throw new Error('the segment is there')
    const [frame] = (await source.read([[first.from, first.to]])).frames
    if (frame === undefined) throw new Error('the frame is there')
    expect(await source.readBody(frame)).toEqual(bodyOf('a', 3000))
    inbox.settle(first.segment, 1, first.to)
    let isUsedAgain = false
    for (let number = 0; number < 100 && !isUsedAgain; number += 1) {
      const place = await inbox.append(headerOf('b'), bodyOf('b', 3000))
      inbox.settle(place.segment, 1, place.to)
      const sameFile = place.segment.kind === 'file' && first.segment.kind === 'file'
      isUsedAgain = sameFile && place.segment.name === first.segment.name && place.segment.id !== first.segment.id
    }
    expect(isUsedAgain).toBe(true)
    await expect(source.readBody(frame)).rejects.toMatchObject({ code: 'inbox_unavailable' })
    await source.close()
    await inbox.stop()
  })

  it('recycles what is settled and asks for it no more', async () => {
    const disk = new SimulatedDisk(seeded(1))
    const inbox = openOn(disk)
    await inbox.start()
    for (let round = 0; round < 30; round += 1) {
      const places = await Promise.all(
        [1, 2, 3].map((number) => inbox.append(headerOf(`${round}.${number}`), bodyOf('x', 3000))),
      )
      for (const { segment, to } of places) inbox.settle(segment, 1, to)
    }
    expect(inbox.backlogBytes()).toBe(0)
    await inbox.stop()
    expect((await disk.list(directory)).length).toBeLessThanOrEqual(5)
    const next = openOn(disk)
    await next.start()
    expect(await leftoversOf(next)).toEqual([])
    await next.stop()
  })

  it('reports acknowledged bytes that are not what was written, and keeps their neighbours', async () => {
    const disk = new SimulatedDisk(seeded(2))
    const inbox = openOn(disk)
    await inbox.start()
    const places: FramePlace[] = []
    for (const name of ['first', 'second', 'third']) places.push(await inbox.append(headerOf(name), bodyOf(name, 500)))
    await inbox.stop()
    const second = places[1]
    if (second?.segment.kind !== 'file') throw new Error('a directory has files')
    disk.flip(`${directory}/${second.segment.name}`, second.to - 100)
    const next = openOn(disk)
    await next.start()
    const [leftover] = await leftoversOf(next)
    expect(leftover?.damaged.map(({ from, bytes }) => [from, bytes.byteLength])).toEqual([
      [second.from, second.to - second.from],
    ])
    expect([...(await readAll(disk, leftover?.frames ?? [])).keys()]).toEqual(['first', 'third'])
    await next.stop()
  })

  it('refuses on a full disk, keeps what it has, and recovers by itself', async () => {
    const disk = new SimulatedDisk(seeded(3))
    let monotonicMs = 0
    const inbox = openOn(disk, { ...systemClock, monotonicMs: () => monotonicMs })
    await inbox.start()
    await inbox.append(headerOf('before'), bodyOf('before', 9000))
    disk.limitBytes(segmentBytes)
    await expect(inbox.append(headerOf('while'), bodyOf('while', 9000))).rejects.toMatchObject({ code: 'storage_full' })
    await expect(inbox.append(headerOf('large'), bodyOf('x', 50_000))).rejects.toMatchObject({ code: 'storage_full' })
    disk.limitBytes(Infinity)
    monotonicMs += 5000
    await inbox.append(headerOf('after'), bodyOf('after', 9000))
    await inbox.stop()
    const next = openOn(disk)
    await next.start()
    const frames = (await leftoversOf(next)).flatMap((leftover) => leftover.frames)
    expect([...(await readAll(disk, frames)).keys()]).toEqual(['before', 'after'])
    await next.stop()
  })

  it('acknowledges nothing while writes fail, and goes on in a new segment', async () => {
    const disk = new SimulatedDisk(seeded(4))
    let monotonicMs = 0
    const inbox = openOn(disk, { ...systemClock, monotonicMs: () => monotonicMs })
    await inbox.start()
    await inbox.append(headerOf('before'), bodyOf('before', 100))
    disk.fail(Object.assign(new Error('EIO'), { code: 'EIO' }))
    const tried = await Promise.allSettled([1, 2, 3].map((n) => inbox.append(headerOf(`while ${n}`), bodyOf('x', 100))))
    expect(tried.map((result) => result.status)).toEqual(['rejected', 'rejected', 'rejected'])
    disk.fail(undefined)
    monotonicMs += 5000
    const after = await inbox.append(headerOf('after'), bodyOf('after', 100))
    expect(after.segment.id).not.toBe('')
    await inbox.stop()
  })
})

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** Appends until the power is gone or everything is written, and settles some of what is acknowledged. */
async function liveUntilTheCut(
  disk: SimulatedDisk,
  life: string,
  lengths: readonly number[],
  settleShare: number,
  random: () => number,
  acknowledged: Map<string, number>,
  settled: Set<string>,
): Promise<void> {
  const inbox = openOn(disk)
  const open = new Map<string, string[]>()
  try {
    await inbox.start()
    for (const { frames } of await leftoversOf(inbox)) expect(frames.length).toBeGreaterThanOrEqual(0)
    const appends = lengths.map(async (length, index) => {
      const name = `${life} frame ${index}`
      // Some come together, some while others are being written.
      for (let turns = Math.floor(random() * 8 * index); turns > 0; turns -= 1) await turn()
      const place = await inbox.append(headerOf(name), bodyOf(name, length))
      acknowledged.set(name, length)
      const { id } = place.segment
      open.set(id, [...(open.get(id) ?? []), name])
      if (random() > settleShare) return
      // Frames of a segment are acknowledged in order, so all that lie before this one are settled with it.
      const names = open.get(id) ?? []
      for (const each of names) settled.add(each)
      open.delete(id)
      inbox.settle(place.segment, names.length, place.to)
    })
    await Promise.allSettled(appends)
  } catch {
    // The power went while the inbox started.
  }
  await inbox.stop().catch(() => {})
}
