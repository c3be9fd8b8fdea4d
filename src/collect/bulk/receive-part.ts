import type { Readable } from 'node:stream'
import { Writable } from 'node:stream'
import { callbackify } from 'node:util'

import type { Clock } from '../../base/clock.ts'
import type { Disk, DiskFile } from '../../base/disk.ts'
import { AppError } from '../../base/errors.ts'
import { interrupted, silent } from '../../base/http/read-body.ts'
import { partBytesMax, partSilenceMsMax } from './limits.ts'

export interface ReceiveOptions {
  readonly disk: Disk
  readonly clock: Clock
  readonly bytesMax?: number
  readonly silenceMsMax?: number
}

/**
 * Writes the body to a file as it comes, so that a part takes no more memory than what is on its way to the disk. Returns how
 * many bytes it has. Fails with `body_too_large`, `request_timeout` or `storage_full`; the rest of the body is then read and
 * dropped, so that its sender gets to read the answer.
 */
export async function receivePart(body: Readable, path: string, options: ReceiveOptions): Promise<number> {
  const file = await options.disk.open(path, 'create')
  try {
    return await receive(body, file, options)
  } finally {
    await file.close()
  }
}

function receive(body: Readable, file: DiskFile, options: ReceiveOptions): Promise<number> {
  const { clock, bytesMax = partBytesMax, silenceMsMax = partSilenceMsMax } = options
  const write = callbackify((block: Buffer, at: number) => file.write(block, at))
  return new Promise((resolve, reject) => {
    let received = 0
    let heardOf = 0
    const sink = new Writable({
      write(block: Buffer, _encoding, done) {
        if (received + block.byteLength > bytesMax) return done(tooLarge(bytesMax))
        const at = received
        received += block.byteLength
        write(block, at, done)
      },
    })
    const onSilence = (): void => {
      if (received === heardOf) return fail(silent(silenceMsMax, received, 'part'))
      heardOf = received
      cancelTimer = clock.schedule(silenceMsMax, onSilence)
    }
    const onClose = (): void => {
      if (!body.readableEnded) fail(interrupted(received, 'part'))
    }
    const detach = (): void => {
      cancelTimer()
      body.off('error', onClose).off('close', onClose)
    }
    const fail = (error: Error): void => {
      detach()
      body.unpipe(sink).on('error', () => {})
      body.resume()
      reject(error)
    }
    let cancelTimer = clock.schedule(silenceMsMax, onSilence)
    sink.on('error', fail).on('finish', () => {
      detach()
      resolve(received)
    })
    body.on('error', onClose).on('close', onClose)
    body.pipe(sink)
    // It may have ended while the file was opened.
    if (body.destroyed) onClose()
  })
}

function tooLarge(bytesMax: number): AppError {
  return new AppError('body_too_large', `The part is larger than the limit of ${bytesMax} bytes.`, {
    hint: 'Split it into several parts. Compressed parts count as they are sent.',
  })
}
