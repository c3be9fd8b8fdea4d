import { PassThrough } from 'node:stream'

import { expect, test } from 'vitest'

import { ManualClock } from '../../jobs/testing/manual-clock.ts'
import { BodyBudget, readBody } from './read-body.ts'

test('the body of a client that is gone when somebody asks for it is over at once', async () => {
  const source = new PassThrough()
  source.destroy()
  const limits = { bytesMax: 1000, silenceMsMax: 15_000 }
  const body = readBody(source, 100, limits, new BodyBudget(1000), new ManualClock())
  await expect(body).rejects.toMatchObject({
    code: 'request_timeout',
    message: expect.stringContaining('connection ended'),
  })
})
