import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'

import { decodeMulti, encode } from '@msgpack/msgpack'

import { entry, eventTime, fluentdMessage } from '../../src/protocols/fluent/testing/wire.ts'
import type { SenderReport, SenderTask } from './overload-task.ts'

// A process of its own that sends to one door as fast as it is let, and does not heed what it is told. After each task it tells its
// parent which bodies were acknowledged, and how all requests were answered.

/** What does not get smaller by compression. */
const paddings = Array.from({ length: 256 }, () => randomBytes(150).toString('base64'))

/** The records of a body: each says which body it is of. */
const recordsOf = (chunk: string, rows: number) =>
  Array.from({ length: rows }, (_, n) => ({ chunk, n, padding: paddings[n % paddings.length] }))

class Sender {
  readonly #task: SenderTask
  #until = 0
  #next = 0
  #tried = 0
  #withoutRetryAfter = 0
  readonly #acknowledged: string[] = []
  readonly #answers: Record<string, number> = {}

  constructor(task: SenderTask) {
    this.#task = task
  }

  async run(): Promise<SenderReport> {
    const { lanes, door } = this.#task
    // The first bodies are ready before the first is sent: a slow machine is to receive them all at once, too.
    const ready = Array.from({ length: lanes }, () => this.#newRequest())
    this.#until = performance.now() + this.#task.milliseconds
    await Promise.all(ready.map((first) => (door === 'forward' ? this.#forward() : this.#post(first))))
    return {
      tried: this.#tried,
      acknowledged: this.#acknowledged,
      answers: this.#answers,
      withoutRetryAfter: this.#withoutRetryAfter,
    }
  }

  #isOver(): boolean {
    return performance.now() >= this.#until
  }

  #newChunk(): string {
    return `${this.#task.name}-${this.#next++}`
  }

  #count(answer: string): void {
    this.#answers[answer] = (this.#answers[answer] ?? 0) + 1
  }

  #newRequest() {
    const chunk = this.#newChunk()
    return { chunk, request: requestOf(this.#task, chunk) }
  }

  async #post(first: { readonly chunk: string; readonly request: SenderRequest }): Promise<void> {
    for (let next = first; ; next = this.#newRequest()) {
      const { chunk } = next
      const { path, ...init } = next.request
      this.#tried += 1
      try {
        const response = await fetch(this.#task.url + path, init)
        await response.arrayBuffer()
        this.#count(String(response.status))
        if (response.ok) this.#acknowledged.push(chunk)
        if (response.status === 429 && response.headers.get('retry-after') === null) this.#withoutRetryAfter += 1
      } catch {
        this.#count('none')
        await sleep(20)
      }
      if (this.#isOver()) return
    }
  }

  /** Messages one behind the other, without waiting for their acknowledgements, as far as the other side reads. */
  async #forward(): Promise<void> {
    const { fluentPort, rowsPerBody } = this.#task
    const socket = connect(fluentPort, '127.0.0.1')
    socket.on('error', () => {})
    const open = new Set<string>()
    let received = Buffer.alloc(0)
    socket.on('data', (part: Buffer) => {
      received = Buffer.concat([received, part])
      for (const { ack } of [...decodeMulti(received)] as { ack: string }[]) open.delete(ack)
      received = Buffer.alloc(0)
    })
    const sent: string[] = []
    while (!this.#isOver() && !socket.destroyed) {
      const chunk = this.#newChunk()
      this.#tried += 1
      const entries = recordsOf(chunk, rowsPerBody).map((record, n) => entry(eventTime(1_700_000_000, n), record))
      sent.push(chunk)
      open.add(chunk)
      const message = fluentdMessage('test.forward', Buffer.concat(entries), { size: rowsPerBody, chunk })
      if (!socket.write(message)) await Promise.race([once(socket, 'drain'), sleep(this.#until - performance.now())])
    }
    // What is on its way may still be acknowledged.
    for (let waited = 0; waited < 5000 && open.size > 0 && !socket.destroyed; waited += 50) await sleep(50)
    socket.destroy()
    for (const chunk of sent) {
      const isOpen = open.has(chunk)
      this.#count(isOpen ? 'open' : 'acknowledged')
      if (!isOpen) this.#acknowledged.push(chunk)
    }
  }
}

type SenderRequest = RequestInit & { readonly path: string }

function requestOf({ door, apiKey, rowsPerBody }: SenderTask, chunk: string): SenderRequest {
  const records = recordsOf(chunk, rowsPerBody)
  const lines = () => records.map((record) => `${JSON.stringify(record)}\n`).join('')
  const bearer = { authorization: `Bearer ${apiKey}` }
  const table = `/api/v1/databases/test/tables`
  switch (door) {
    case 'import':
      return {
        path: `${table}/import/import?format=ndjson&id=${chunk}`,
        method: 'POST',
        headers: bearer,
        body: lines(),
      }
    case 'events': {
      const headers = { ...bearer, 'content-type': 'application/x-ndjson', 'idempotency-key': chunk }
      return { path: `${table}/events/events`, method: 'POST', headers, body: lines() }
    }
    case 'td': {
      const body = gzipSync(Buffer.concat(records.map((record) => encode({ ...record, time: 1_700_000_000 }))), {
        level: 1,
      })
      const id = createHash('md5').update(chunk).digest('hex')
      const path = `/v3/table/import_with_id/test/td/${id}/msgpack.gz`
      return { path, method: 'PUT', headers: { authorization: `TD1 ${apiKey}` }, body }
    }
    default: {
      const headers = {
        authorization: `TD1 ${apiKey}`,
        'content-type': 'application/vnd.treasuredata.v1.js+json',
        origin: 'http://localhost',
      }
      return { path: '/test/js?modified=1', method: 'POST', headers, body: JSON.stringify({ events: records }) }
    }
  }
}

process.on('message', (task: SenderTask) => {
  void new Sender(task).run().then((report) => process.send?.(report))
})
process.on('disconnect', () => process.exit(0))
process.send?.('ready')
