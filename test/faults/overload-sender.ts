import { once } from 'node:events'
import { Agent, request } from 'node:http'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

import { decodeMulti, encode } from '@msgpack/msgpack'

import { chunkName, forwardMessages, placeholder, requestsOf } from './overload-bodies.ts'
import type { SenderRequest } from './overload-bodies.ts'
import type { SenderReport, SenderTask } from './overload-task.ts'

// A process of its own that sends to one door: at a rate that heeds nothing, or as fast as it is answered. After each task it tells
// its parent which bodies were acknowledged, and how all requests were answered.

/** The end of a task waits so long for the answers that are due. */
const patienceMs = 60_000

/**
 * A storm that the server has not held up yet goes on for so long at most, twice as strong after each time that it was to take: how much the
 * server can do was measured for a second or two, in which the machine may have had other things to do.
 */
const overtimeMs = 60_000

abstract class Sender {
  protected readonly task: SenderTask
  protected next = 0
  protected unsentBytes = 0
  protected withoutRetryAfter = 0
  protected blocked = 0
  readonly refusalMs: number[] = []
  readonly acknowledged: string[] = []
  readonly answers: Record<string, number> = {}

  constructor(task: SenderTask) {
    this.task = task
  }

  /** Begins to send one more, unless every lane is taken. */
  protected abstract begin(): boolean
  protected abstract isBusy(): boolean

  protected start(): Promise<void> {
    return Promise.resolve()
  }

  protected finish(): void {}

  /** Whether the server has shown that this is more than it can do. */
  protected abstract wasHeldUp(): boolean

  async run(): Promise<SenderReport> {
    await this.start()
    const startMs = performance.now()
    const offered = await (this.task.rate === undefined ? this.#fillLanes() : this.#keepTheRate(this.task.rate))
    const sentMs = performance.now() - startMs
    const inTime = this.acknowledged.length
    for (let waitedMs = 0; this.isBusy() && waitedMs < patienceMs; waitedMs += 20) await sleep(20)
    this.finish()
    const { acknowledged, answers, withoutRetryAfter, unsentBytes, blocked } = this
    const refusalMs = this.refusalMs.toSorted((a, b) => a - b)[Math.floor(this.refusalMs.length * 0.99)]
    return { sentMs, offered, blocked, acknowledged, inTime, answers, withoutRetryAfter, refusalMs, unsentBytes }
  }

  protected count(answer: string): void {
    this.answers[answer] = (this.answers[answer] ?? 0) + 1
  }

  async #fillLanes(): Promise<number> {
    const endMs = performance.now() + this.task.milliseconds
    while (performance.now() < endMs) if (!this.begin()) await sleep(1)
    return this.next
  }

  async #keepTheRate(rate: number): Promise<number> {
    const startMs = performance.now()
    const { milliseconds } = this.task
    let due = 0
    let dueAtMs = 0
    for (let offered = 0; ; await sleep(1)) {
      const elapsedMs = performance.now() - startMs
      const endMs = milliseconds + (this.wasHeldUp() ? 0 : overtimeMs)
      const toMs = Math.min(elapsedMs, endMs)
      due += (Math.max(0, toMs - dueAtMs) / 1000) * rate * 2 ** Math.floor(dueAtMs / milliseconds)
      dueAtMs = toMs
      for (; offered < due; offered += 1) {
        if (!this.begin()) this.blocked += 1
      }
      if (elapsedMs >= endMs) return offered
    }
  }
}

class HttpSender extends Sender {
  readonly #agent = new Agent({ keepAlive: true })
  readonly #requestOf: (chunk: string, number: number) => SenderRequest
  #underWay = 0

  constructor(task: SenderTask) {
    super(task)
    this.#requestOf = requestsOf(task)
  }

  protected isBusy(): boolean {
    return this.#underWay > 0
  }

  /** Some were refused, or could not be begun, or there is no answer to what it sends in a quarter of a second. */
  protected wasHeldUp(): boolean {
    return this.refusalMs.length > 0 || this.blocked > 0 || this.#underWay > (this.task.rate ?? 0) / 4
  }

  protected override finish(): void {
    this.#agent.destroy()
  }

  protected begin(): boolean {
    if (this.#underWay >= this.task.lanes) return false
    this.#underWay += 1
    const number = this.next++
    void this.#send(chunkName(this.task, number), number).finally(() => (this.#underWay -= 1))
    return true
  }

  async #send(chunk: string, number: number): Promise<void> {
    const { path, method, headers, body } = this.#requestOf(chunk, number)
    const startMs = performance.now()
    try {
      const sent = request(this.task.url + path, { method, agent: this.#agent, headers: { ...headers } })
      sent.setHeader('content-length', body.byteLength)
      sent.setTimeout(patienceMs, () => sent.destroy())
      sent.end(body)
      const answered = await new Promise<{ status: number; retryAfter: string | undefined }>((resolve, reject) => {
        sent.on('error', reject)
        sent.on('response', (response) => {
          const { statusCode = 0, headers: told } = response
          response.on('error', reject).on('end', () => resolve({ status: statusCode, retryAfter: told['retry-after'] }))
          response.resume()
        })
      })
      this.#note(chunk, answered.status, answered.retryAfter, performance.now() - startMs)
    } catch {
      this.count('none')
    }
  }

  #note(chunk: string, status: number, retryAfter: string | undefined, tookMs: number): void {
    this.count(String(status))
    if (status >= 200 && status < 300) this.acknowledged.push(chunk)
    if (status !== 429 && status !== 503) return
    this.refusalMs.push(tookMs)
    if (retryAfter === undefined) this.withoutRetryAfter += 1
  }
}

const forwardConnections = 8

/** All names have one length, and so have their acknowledgements. */
const ackBytes = encode({ ack: placeholder }).byteLength

/** Sends messages one behind the other, as far as the other side reads. */
class ForwardSender extends Sender {
  readonly #message = forwardMessages()
  readonly #open = new Set<string>()
  #sockets: Socket[] = []

  protected override async start(): Promise<void> {
    const { fluentPort } = this.task
    this.#sockets = Array.from({ length: forwardConnections }, () => connect(fluentPort, '127.0.0.1'))
    for (const socket of this.#sockets) {
      socket.on('error', () => {})
      let heard = Buffer.alloc(0)
      socket.on('data', (part: Buffer) => {
        heard = Buffer.concat([heard, part])
        const whole = heard.byteLength - (heard.byteLength % ackBytes)
        this.#hear(heard.subarray(0, whole))
        heard = heard.subarray(whole)
      })
      await once(socket, 'connect')
    }
  }

  protected isBusy(): boolean {
    return this.#open.size > 0 && this.#sockets.some((socket) => !socket.destroyed)
  }

  /** The buffers between take what comes for a while, longer on a quick machine. */
  protected override wasHeldUp(): boolean {
    return this.unsentBytes > 0 && this.blocked > 0
  }

  protected override finish(): void {
    for (const socket of this.#sockets) socket.destroy()
    for (const _ of this.#open) this.count('open')
  }

  protected begin(): boolean {
    if (this.task.rate === undefined && this.#open.size >= this.task.lanes) return false
    const unsent = this.#sockets.reduce((sum, { writableLength }) => sum + writableLength, 0)
    this.unsentBytes = Math.max(this.unsentBytes, unsent)
    const free = this.#sockets.filter((socket) => !socket.destroyed && !socket.writableNeedDrain)
    const socket = free[this.next % Math.max(free.length, 1)]
    if (socket === undefined) return false
    const chunk = chunkName(this.task, this.next++)
    this.#open.add(chunk)
    socket.write(this.#message(chunk))
    return true
  }

  #hear(acknowledgements: Buffer): void {
    for (const { ack } of [...decodeMulti(acknowledgements)] as { ack: string }[]) {
      if (!this.#open.delete(ack)) continue
      this.acknowledged.push(ack)
      this.count('acknowledged')
    }
  }
}

process.on('message', (task: SenderTask) => {
  const sender = task.door === 'forward' ? new ForwardSender(task) : new HttpSender(task)
  void sender.run().then((report) => process.send?.(report))
})
process.on('disconnect', () => process.exit(0))
process.send?.('ready')
