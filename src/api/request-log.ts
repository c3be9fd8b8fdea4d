import type { FastifyBaseLogger } from 'fastify'

type Bindings = Parameters<FastifyBaseLogger['child']>[0]
type Options = Parameters<FastifyBaseLogger['child']>[1]
type Level = 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace'

/**
 * The log of one request, under its id. Most requests have nothing to log, and a child of the logger is one of the dearer things
 * that could be made for each of them: it is made with the first line.
 */
export class RequestLog implements FastifyBaseLogger {
  readonly #parent: FastifyBaseLogger
  readonly #bindings: Bindings
  #own: FastifyBaseLogger | undefined

  constructor(parent: FastifyBaseLogger, bindings: Bindings) {
    this.#parent = parent
    this.#bindings = bindings
  }

  get level(): string {
    return this.#parent.level
  }

  child(bindings: Bindings, options?: Options): FastifyBaseLogger {
    return this.#made().child(bindings, options)
  }

  fatal(...line: readonly unknown[]): void {
    this.#write('fatal', line)
  }
  error(...line: readonly unknown[]): void {
    this.#write('error', line)
  }
  warn(...line: readonly unknown[]): void {
    this.#write('warn', line)
  }
  info(...line: readonly unknown[]): void {
    this.#write('info', line)
  }
  debug(...line: readonly unknown[]): void {
    this.#write('debug', line)
  }
  trace(...line: readonly unknown[]): void {
    this.#write('trace', line)
  }
  silent(): void {}

  #made(): FastifyBaseLogger {
    this.#own ??= this.#parent.child(this.#bindings)
    return this.#own
  }

  #write(level: Level, line: readonly unknown[]): void {
    const log = this.#made()
    Reflect.apply(log[level], log, line)
  }
}
