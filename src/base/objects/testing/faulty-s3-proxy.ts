import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'

import type { Randomness } from '../../randomness.ts'

/** What may happen to a request on its way, each as a share of all requests. */
export interface ProxyFaults {
  /** 500 InternalError, and nothing was done. */
  readonly internal: number
  /** 503 SlowDown, and nothing was done. */
  readonly slowDown: number
  /** The connection is gone before the request was sent on. */
  readonly reset: number
  /** The connection is gone after all was done. */
  readonly resetAfter: number
  /** 500, after all was done. */
  readonly internalAfter: number
  /** Of answers with a body: half of it, then the end. */
  readonly truncated: number
  /** Of answers with a body: half of it, then silence. */
  readonly stalledBody: number
  /** Silence at once. */
  readonly stalled: number
}

export const noFaults: ProxyFaults = {
  internal: 0,
  slowDown: 0,
  reset: 0,
  resetAfter: 0,
  internalAfter: 0,
  truncated: 0,
  stalledBody: 0,
  stalled: 0,
}

export interface FaultyS3Proxy {
  readonly endpoint: string
  readonly counts: Record<keyof ProxyFaults, number>
  /** From now on these. */
  setFaults(faults: Partial<ProxyFaults>): void
  close(): Promise<void>
}

/** A line to an S3 server on which things go wrong: a real HTTP proxy, with faults that follow from the randomness. */
export async function openFaultyS3Proxy(target: string, randomness: Randomness): Promise<FaultyS3Proxy> {
  let faults = noFaults
  const counts = { ...noFaults }
  const strikes = (fault: keyof ProxyFaults): boolean => {
    if (randomness.fraction() >= faults[fault]) return false
    counts[fault] += 1
    return true
  }
  const server = createServer((asked, answer) => {
    if (strikes('stalled')) return void asked.resume()
    if (strikes('reset')) return void asked.socket.destroy()
    if (strikes('internal')) return refuse(asked, answer, 500, 'InternalError')
    if (strikes('slowDown')) return refuse(asked, answer, 503, 'SlowDown')
    forward(target, asked, answer, strikes)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    counts,
    setFaults: (wanted) => (faults = { ...noFaults, ...wanted }),
    async close() {
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await closed
    },
  }
}

function refuse(asked: IncomingMessage, answer: ServerResponse, status: number, code: string): void {
  const speak = (): void => {
    answer.writeHead(status, { 'content-type': 'application/xml' })
    answer.end(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>on purpose</Message></Error>`)
  }
  if (asked.readableEnded) return speak()
  asked.resume()
  asked.once('end', speak)
}

function forward(
  target: string,
  asked: IncomingMessage,
  answer: ServerResponse,
  strikes: (fault: keyof ProxyFaults) => boolean,
): void {
  const url = new URL(asked.url ?? '/', target)
  const onward = request(url, { method: asked.method ?? 'GET', headers: asked.headers, agent: false }, (came) => {
    const blocks: Buffer[] = []
    came.on('data', (block: Buffer) => blocks.push(block))
    came.once('end', () => {
      const body = Buffer.concat(blocks)
      const half = body.subarray(0, Math.floor(body.byteLength / 2))
      const isBody = asked.method === 'GET' && half.byteLength > 0
      if (strikes('resetAfter')) answer.destroy()
      else if (strikes('internalAfter')) refuse(asked, answer, 500, 'InternalError')
      else {
        answer.writeHead(came.statusCode ?? 500, came.headers)
        if (isBody && strikes('truncated')) answer.write(half, () => answer.destroy())
        else if (isBody && strikes('stalledBody')) answer.write(half)
        else answer.end(body)
      }
    })
  })
  onward.once('error', () => answer.destroy())
  asked.pipe(onward)
}
