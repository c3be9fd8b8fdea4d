import { readdirSync } from 'node:fs'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { makeTenant } from '../../src/api/testing/tenants.ts'
import { openDoors } from '../support/doors.ts'
import type { Doors } from '../support/doors.ts'
import { differences, filledIn } from './compare.ts'
import type { Variables } from './compare.ts'
import { readStories } from './scenario.ts'
import type { Step, Story } from './scenario.ts'
import { send } from './send.ts'

const folders = readdirSync(import.meta.dirname, { withFileTypes: true }).filter((entry) => entry.isDirectory())

let doors: Doors
let stories = 0

beforeAll(async () => {
  doors = await openDoors()
})
afterAll(() => doors.close())

/** Each story has an account of its own, and somebody else's besides. */
async function newVariables(): Promise<Variables> {
  stories += 1
  const name = `story${stories}`
  const { keys } = await makeTenant(doors.parts.access, name)
  const other = await makeTenant(doors.parts.access, `not_${name}`)
  return new Map<string, unknown>([
    ['key', keys.full],
    ['writeKey', keys.import],
    ['queryKey', keys.query],
    ['otherKey', other.keys.full],
    ['account', name],
    ['host', doors.url.replace('http://', '')],
    ['now', Math.floor(Date.now() / 1000)],
  ])
}

async function play({ steps }: Story): Promise<void> {
  const variables = await newVariables()
  for (const [index, step] of steps.entries()) {
    const found = await take(step, variables)
    const name = `step ${index + 1}, ${step.request.method} ${step.request.path}`
    expect(found, `${name}\n${found.join('\n')}`).toEqual([])
  }
}

/** Takes a step, again and again where it says so. Returns how the answer differs from the expected one. */
async function take(step: Step, variables: Variables): Promise<string[]> {
  const endsMs = Date.now() + (step.repeat_until ?? 0) * 1000
  for (;;) {
    const captured: Variables = new Map()
    const received = await send(doors.url, filledIn(step.request, variables) as Step['request'])
    const found = differences(filledIn(step.answer, variables) as Step['answer'], received, captured)
    if (found.length === 0) for (const [name, value] of captured) variables.set(name, value)
    if (found.length === 0 || Date.now() >= endsMs) return found
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

describe.each(folders.map(({ name }) => name))('the scenarios of %s', (folder) => {
  const files = readStories(`${import.meta.dirname}/${folder}`)

  it('are there', () => expect(files.flatMap(([, all]) => all).length).toBeGreaterThan(0))

  describe.each(files)('%s', (_file, all) => {
    it.concurrent.each(all.map((story) => [story.name, story] as const))('%s', (_name, story) => play(story))
  })
})

it('there are some', () => expect(folders.length).toBeGreaterThan(0))
it('meet no bug', () => expect(doors.bugs).toEqual([]))
