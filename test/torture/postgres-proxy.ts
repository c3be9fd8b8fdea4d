import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'

interface Pair {
  readonly client: Socket
  readonly server: Socket
  /** What the client calls itself. */
  name: string
  /** The statement that is under way is carried out, and then this happens: its client does not hear of it. */
  insteadOfAnswer: (() => void) | undefined
}

/** Who waits for a commit of the client of this name. */
interface Ambush {
  readonly name: string
  readonly spring: () => void
}

/** So long a line stays silent behind a commit that somebody waited for: time enough to kill its client. */
const silenceMs = 500

/** ReadyForQuery, without the state of the transaction (PostgreSQL’s protocol, “Message Formats”). */
const readyForQuery = Buffer.from('5a00000005', 'hex')

const [query, sync] = [0x51, Buffer.from('5300000004', 'hex')]

/** The line between the roles and PostgreSQL, over TCP, which breaks when it is told to. */
export class PostgresProxy {
  readonly #socketPath: string
  readonly #server: Server
  readonly #pairs = new Set<Pair>()
  #answersToLose = 0
  #onlyCommits = false
  #losesCommits = false
  /** While they were lost. */
  #commits = 0
  readonly #ambushes = new Set<Ambush>()
  #lost = 0

  /** `socketPath` is the Unix socket of PostgreSQL. */
  constructor(socketPath: string) {
    this.#socketPath = socketPath
    this.#server = createServer((client) => this.#serve(client))
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** Answers that nobody heard, and commits that never arrived. */
  get lost(): number {
    return this.#lost
  }

  async start(): Promise<void> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
  }

  async stop(): Promise<void> {
    this.cut(1)
    this.#server.close()
    await once(this.#server, 'close')
  }

  /**
   * Resolves when a commit of a client of this name was carried out and it has not heard of it, nor will it; with false when there was
   * none for so long.
   */
  async afterCommitOf(name: string, msMax: number): Promise<boolean> {
    return await new Promise((resolve) => {
      const end = (isThere: boolean): void => {
        clearTimeout(timer)
        this.#ambushes.delete(ambush)
        resolve(isThere)
      }
      const ambush = { name, spring: () => end(true) }
      const timer = setTimeout(() => end(false), msMax)
      this.#ambushes.add(ambush)
    })
  }

  cut(every: number): void {
    for (const [index, pair] of [...this.#pairs].entries()) if (index % every === 0) destroy(pair)
  }

  loseAnswers(count: number, onlyCommits: boolean): void {
    this.#answersToLose = count
    this.#onlyCommits = onlyCommits
  }

  /** From now on, or not any more, every other one: where all are lost, nobody gets so far as to build on one of them. */
  setLosesCommits(isOn: boolean): void {
    this.#losesCommits = isOn
  }

  #serve(client: Socket): void {
    const server = connect(this.#socketPath)
    const pair: Pair = { client, server, name: '', insteadOfAnswer: undefined }
    this.#pairs.add(pair)
    const end = (): void => {
      this.#pairs.delete(pair)
      destroy(pair)
    }
    for (const socket of [client, server]) socket.setNoDelay(true).on('error', end).on('close', end)
    client.on('data', (part: Buffer) => {
      if (pair.name === '') pair.name = nameIn(part)
      if (this.#losesCommits && isCommit(part)) {
        this.#commits += 1
        if (this.#commits % 2 === 0) {
          this.#lost += 1
          return end()
        }
      }
      pair.insteadOfAnswer ??= this.#insteadOfAnswer(pair, part, end)
      if (!server.write(part)) {
        client.pause()
        server.once('drain', () => client.resume())
      }
    })
    server.on('data', (part: Buffer) => {
      if (pair.insteadOfAnswer === undefined) {
        if (!client.write(part)) {
          server.pause()
          client.once('drain', () => server.resume())
        }
      } else if (part.subarray(-6).indexOf(readyForQuery) === 0) {
        this.#lost += 1
        pair.insteadOfAnswer()
      }
    })
  }

  #insteadOfAnswer({ name }: Pair, part: Buffer, end: () => void): (() => void) | undefined {
    const ambush = isCommit(part) ? [...this.#ambushes].find((one) => one.name === name) : undefined
    if (ambush === undefined) return this.#isToLose(part) ? end : undefined
    this.#ambushes.delete(ambush)
    return () => {
      ambush.spring()
      setTimeout(end, silenceMs)
    }
  }

  #isToLose(part: Buffer): boolean {
    if (this.#answersToLose === 0) return false
    const isStatement = part[0] === query || part.subarray(-5).equals(sync)
    if (!isStatement || (this.#onlyCommits && !isCommit(part))) return false
    this.#answersToLose -= 1
    return true
  }
}

/** By the simple protocol, behind the kind and the length of the message. */
function isCommit(part: Buffer): boolean {
  return part[0] === query && part.toString('latin1', 5, 11).toLowerCase() === 'commit'
}

/** What a client calls itself in the first message that says so (PostgreSQL’s protocol, “StartupMessage”). */
function nameIn(part: Buffer): string {
  return /\0application_name\0([^\0]*)\0/.exec(part.toString('latin1'))?.[1] ?? ''
}

function destroy({ client, server }: Pair): void {
  client.destroy()
  server.destroy()
}
