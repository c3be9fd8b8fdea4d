import { beforeEach, describe, expect, test } from 'vitest'

import { AppError } from '../base/errors.ts'
import { ManualClock } from '../jobs/testing/manual-clock.ts'
import { Admission } from './admission.ts'
import { roomKeptMsMax, roomWaitersMax, roomWaitMsMax } from './limits.ts'

const mebibyte = 2 ** 20
const limits = { inflightBytesMax: 256 * mebibyte, backlogBytesMax: 4096 * mebibyte, backlogSecondsMax: 10 }
const [busy, other] = [1, 2]

let clock: ManualClock
let admission: Admission

beforeEach(() => {
  clock = new ManualClock()
  admission = new Admission(limits, clock)
})

/** Whether a body would be let in now, and how it is refused. */
function refusal(accountId: number, bytes: number): AppError | undefined {
  try {
    admission.enter(accountId, bytes, 0)()
    return undefined
  } catch (error) {
    if (error instanceof AppError) return error
    throw error
  }
}

/** So many seconds in which a mebibyte is converted at each quarter. */
function convert(seconds: number): void {
  for (let quarter = 0; quarter < seconds * 4; quarter += 1) {
    clock.advance(250)
    admission.settleBacklog(busy, mebibyte)
  }
}

describe('large bodies', () => {
  test('are taken at an assumed pace before anything is converted, and any time where nothing is', () => {
    admission.addBacklog(busy, 80 * mebibyte)
    expect(refusal(busy, mebibyte)).toBeUndefined()
    admission.addBacklog(busy, 40 * mebibyte)
    expect(refusal(busy, mebibyte)).toMatchObject({ retryAfterSeconds: 5 })
    clock.advance(5000)
    expect(refusal(busy, mebibyte)).toBeUndefined()
  })

  test('are refused while what waits takes too long, which the error says with how much it is', () => {
    admission.addBacklog(busy, 100 * mebibyte)
    convert(5)
    const refused = refusal(busy, mebibyte)
    expect(refused).toMatchObject({ code: 'overloaded', retryAfterSeconds: 10 })
    expect(refused?.message).toBe(
      '84 MB of acknowledged bodies wait to be converted, which takes about 20 s; large bodies are taken while it takes 10 s at most.',
    )
    convert(9)
    expect(refusal(busy, mebibyte)).toMatchObject({ retryAfterSeconds: 1 })
    convert(1)
    expect(refusal(busy, mebibyte)).toBeUndefined()
  })

  test('are refused half a second after a flood began, as soon as something of it was converted', () => {
    admission.addBacklog(busy, 80 * mebibyte)
    convert(0.25)
    expect(refusal(busy, mebibyte)).toBeUndefined()
    convert(0.25)
    expect(refusal(busy, mebibyte)).toMatchObject({ retryAfterSeconds: 10 })
  })

  test('keep no events waiting, and no other account that sends little', () => {
    admission.addBacklog(busy, 100 * mebibyte)
    admission.addBacklog(other, mebibyte)
    convert(2)
    expect(refusal(busy, mebibyte)).toBeDefined()
    expect(refusal(busy, 64 * 1024)).toBeUndefined()
    expect(refusal(other, 32 * mebibyte)).toBeUndefined()
  })

  test('are taken after quiet hours, which say nothing of what busy ones can do', () => {
    for (let hour = 0; hour < 100; hour += 1) {
      admission.addBacklog(busy, 1000)
      clock.advance(1000)
      admission.settleBacklog(busy, 1000)
    }
    admission.addBacklog(busy, 70 * mebibyte)
    clock.advance(2000)
    expect(refusal(busy, 32 * mebibyte)).toBeUndefined()
  })

  test('are taken without a bound where none is set', () => {
    admission = new Admission({ ...limits, backlogSecondsMax: 0 }, clock)
    admission.addBacklog(busy, 1000 * mebibyte)
    convert(5)
    expect(refusal(busy, mebibyte)).toBeUndefined()
  })
})

describe('a body that was announced', () => {
  const full = 5000 * mebibyte
  let onDisk: number
  let events: string[]

  beforeEach(() => {
    admission.addBacklog(busy, 4 * mebibyte)
    onDisk = full
    events = []
  })

  async function announce(name: string): Promise<void> {
    try {
      await admission.awaitRoom(busy, mebibyte, () => onDisk)
      events.push(`${name} let in`)
    } catch (error) {
      events.push(`${name} ${(error as AppError).code}`)
    }
  }

  test('is let in at once where there is room', async () => {
    onDisk = 0
    await announce('it')
    expect(events).toEqual(['it let in'])
  })

  test('is refused when none came while it waited', async () => {
    const waiting = announce('it')
    admission.settleBacklog(busy, mebibyte)
    clock.advance(roomWaitMsMax - 1)
    await Promise.resolve()
    expect(events).toEqual([])
    clock.advance(1)
    await waiting
    expect(events).toEqual(['it overloaded'])
  })

  test('keeps its room while it arrives, and no other takes it', async () => {
    onDisk = 0
    admission.settleBacklog(busy, 4 * mebibyte)
    const announced = () => admission.awaitRoom(busy, 2400 * mebibyte, () => 0)
    const giveBack = await announced()
    expect(refusal(busy, 2400 * mebibyte)).toMatchObject({ code: 'overloaded' })
    giveBack()
    giveBack()
    expect(refusal(busy, 2400 * mebibyte)).toBeUndefined()
  })

  test('has no right to its room when it has not arrived after a while', async () => {
    onDisk = 0
    admission.settleBacklog(busy, 4 * mebibyte)
    const giveBack = await admission.awaitRoom(busy, 2400 * mebibyte, () => 0)
    clock.advance(roomKeptMsMax)
    expect(refusal(busy, 2400 * mebibyte)).toBeUndefined()
    giveBack()
    admission.addBacklog(busy, 2400 * mebibyte)
    expect(refusal(busy, 2400 * mebibyte)).toMatchObject({ code: 'overloaded' })
  })

  test('is let in in its turn, by as much room as was made, and none is forgotten', async () => {
    const [first, second] = [announce('first'), announce('second')]
    onDisk = 0
    admission.settleBacklog(busy, mebibyte)
    await first
    expect(events).toEqual(['first let in'])
    clock.advance(roomWaitMsMax)
    await second
    expect(events).toEqual(['first let in', 'second let in'])
  })

  test('is let in behind one of another account, for which that is no room', async () => {
    admission.addBacklog(busy, 1020 * mebibyte)
    admission.addBacklog(other, 3072 * mebibyte)
    const announceOf = (account: number) => admission.awaitRoom(account, 1000, () => 0)
    const refused = expect(announceOf(other)).rejects.toMatchObject({ code: 'overloaded' })
    const behind = announceOf(busy)
    admission.settleBacklog(busy, 1000)
    await behind
    clock.advance(roomWaitMsMax)
    await refused
  })

  test('is refused at once where too many wait already', async () => {
    const waiting = Array.from({ length: roomWaitersMax }, (_, index) => announce(`${index}`))
    await announce('it')
    expect(events).toEqual(['it overloaded'])
    clock.advance(roomWaitMsMax)
    await Promise.all(waiting)
    expect(events).toHaveLength(roomWaitersMax + 1)
  })
})

describe('without a worker', () => {
  test('bodies are taken up to the limit of the inbox, and then the error says that nothing is converted', () => {
    admission.addBacklog(busy, 2000 * mebibyte)
    convert(5)
    expect(refusal(busy, mebibyte)?.message).toMatch(/large bodies are taken while/)
    clock.advance(61_000)
    expect(refusal(busy, mebibyte)).toBeUndefined()
    admission.addBacklog(other, 2116 * mebibyte)
    expect(refusal(busy, mebibyte)?.message).toBe(
      '4295 MB of acknowledged bodies wait to be converted, and more are not taken. None has been converted for 61 s: the server may have no worker.',
    )
  })

  test('its return is measured by what it then does, and not by the time in which it was away', () => {
    admission.addBacklog(busy, 100 * mebibyte)
    convert(5)
    clock.advance(3_600_000)
    convert(0.25)
    expect(refusal(busy, mebibyte)).toBeUndefined()
    convert(2)
    expect(refusal(busy, mebibyte)?.message).toMatch(/takes about 1\d s|takes about 2\d s/)
  })
})
