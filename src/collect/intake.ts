import type { Access, Principal } from '../access/access.ts'
import type { Clock } from '../base/clock.ts'
import { AppError } from '../base/errors.ts'
import { requireColumnName, requireName, reservedColumnNames } from '../base/names.ts'
import type { Admission } from './admission.ts'
import type { ImportOutcome, ImportReceipt, ImportRequest } from './collect.ts'
import type { HandOver } from './hand-over.ts'
import type { BodyOutcome } from './import-input.ts'
import type { Inbox } from './inbox/inbox.ts'
import { idOfPlace, reservedIdPrefixes } from './inbox/inbox.ts'
import { importBodyBytesMax, uniqueIdCharactersMax } from './limits.ts'

export interface IntakeOptions {
  readonly access: Access
  readonly inbox: Inbox
  readonly admission: Admission
  readonly handOver: HandOver
  readonly clock: Clock
}

type OnOutcome = (outcome: BodyOutcome | AppError) => void

/** What happens to a body between the request and the acknowledgement. Nobody looks inside of it here. */
export class Intake {
  readonly #options: IntakeOptions
  #closed = false

  constructor(options: IntakeOptions) {
    this.#options = options
  }

  async awaitRoom(principal: Principal, database: string, bytes: number): Promise<() => void> {
    const { access, admission, inbox } = this.#options
    if (this.#closed) throw shuttingDown()
    requireName('database', database)
    requireSize(bytes)
    await access.require(principal, database, 'import')
    const giveBack = await admission.awaitRoom(principal.accountId, bytes, () => inbox.backlogBytes())
    if (!this.#closed) return giveBack
    giveBack()
    throw shuttingDown()
  }

  async accept(request: ImportRequest): Promise<ImportReceipt> {
    return await this.#keep(request, undefined)
  }

  async acceptAndWait(
    request: ImportRequest,
    timeoutMs: number,
  ): Promise<ImportOutcome & { readonly seconds: number }> {
    const { clock } = this.#options
    const startedMs = clock.monotonicMs()
    let onOutcome: OnOutcome = () => {}
    const outcome = new Promise<BodyOutcome | AppError>((resolve) => (onOutcome = resolve))
    const { uniqueId } = await this.#keep(request, onOutcome)
    let cancel = (): void => {}
    const tooLate = new Promise<AppError>((resolve) => {
      cancel = clock.schedule(timeoutMs, () => resolve(stillWorking(uniqueId, timeoutMs)))
    })
    const first = await Promise.race([outcome, tooLate])
    cancel()
    if (first instanceof AppError) throw first
    const { accepted, quarantined, rejected, duplicate, error } = first
    const seconds = (clock.monotonicMs() - startedMs) / 1000
    return { uniqueId, accepted, quarantined, rejected, duplicate, error, seconds }
  }

  /** Takes nothing from now on. */
  close(): void {
    this.#closed = true
  }

  async #keep(request: ImportRequest, onOutcome: OnOutcome | undefined): Promise<ImportReceipt> {
    const { access, admission, inbox, handOver, clock } = this.#options
    const { principal, database, table, uniqueId, format, encoding, timeColumn, door, body } = request
    if (this.#closed) throw shuttingDown()
    requireImportable(request)
    await access.require(principal, database, 'import')
    const { accountId, userId, keyId } = principal
    const leave = admission.enter(accountId, body.byteLength, inbox.backlogBytes())
    try {
      const receivedAtUs = request.timeUs ?? clock.nowUs()
      // Written out: made of spreads, it took 5 µs of an event.
      const header = {
        accountId,
        userId,
        keyId,
        database,
        table,
        uniqueId,
        format,
        encoding,
        timeColumn,
        door,
        receivedAtUs,
      }
      const kept = await inbox.append(header, body)
      admission.addBacklog(accountId, kept.to - kept.from)
      handOver.add(kept, onOutcome)
      return { uniqueId: uniqueId ?? idOfPlace(kept.segment, kept.from), bytes: body.byteLength }
    } finally {
      leave()
    }
  }
}

/** Fails with `invalid_name`, `invalid_request` or `body_too_large`. */
function requireImportable({ database, table, uniqueId, timeColumn, body }: ImportRequest): void {
  requireName('database', database)
  requireName('table', table)
  if (uniqueId !== null) requireUniqueId(uniqueId)
  if (timeColumn !== null && !reservedColumnNames.has(timeColumn)) requireColumnName(timeColumn)
  requireSize(body.byteLength)
}

function requireSize(bytes: number): void {
  if (bytes <= importBodyBytesMax) return
  throw new AppError('body_too_large', `The body is larger than the limit of ${importBodyBytesMax} bytes.`, {
    hint: 'Send it in parts, each with an id of its own. Compressed bodies count as they are sent.',
  })
}

function requireUniqueId(uniqueId: string): void {
  const hint = `Ids have 1 to ${uniqueIdCharactersMax} printable characters, such as a UUID or the name of a file.`
  if (uniqueId.length < 1 || uniqueId.length > uniqueIdCharactersMax || /[\p{C}\p{Zl}\p{Zp}]/u.test(uniqueId)) {
    throw new AppError('invalid_request', 'The unique id is empty, too long, or has unprintable characters in it.', {
      hint,
    })
  }
  const reserved = reservedIdPrefixes.find((prefix) => uniqueId.startsWith(prefix))
  if (reserved !== undefined) {
    throw new AppError('invalid_request', `Unique ids that begin with “${reserved}” are given by Biwa itself.`, {
      hint,
    })
  }
}

function stillWorking(uniqueId: string, timeoutMs: number): AppError {
  return new AppError('wait_timeout', `The body is not in its table after ${timeoutMs / 1000} s.`, {
    hint: `It is safe, and will be, under the id ${uniqueId}. Do not send it again, or send it with that id.`,
  })
}

function shuttingDown(): AppError {
  return new AppError('shutting_down', 'The server is shutting down and takes no new data.', {
    hint: 'Send it again in a few seconds.',
    retryAfterSeconds: 5,
  })
}
