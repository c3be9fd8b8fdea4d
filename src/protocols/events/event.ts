import { AppError } from '../../base/errors.ts'
import { isObjectAt, membersOf } from '../../base/json-text.ts'
import type { Member, Span } from '../../base/json-text.ts'
import { eventBytesMax, recordTimeSeconds } from './limits.ts'

/** What is known about an event besides what it says itself. */
export interface Surroundings {
  readonly receivedSeconds: number
  /** What the server knows by the name of a field, such as `td_ip`; undefined where it knows nothing by that name. */
  readonly known: (name: string) => string | null | undefined
  /** Fields that the server fills though the event does not ask for them. */
  readonly added: readonly string[]
  /** The time of events that have none, as a parameter of the request gives it. */
  readonly time: string | undefined
  /** Whether the field `uuid` is the id of the event: mobile SDKs make one, in pages it may be anything. */
  readonly hasUuid: boolean
  /** Whether the field `td_record_time` says the time, as far as that can be believed. */
  readonly hasRecordTime: boolean
  /** Whether the field `keen` is that of the mobile SDKs, which says the time. */
  readonly hasKeen: boolean
}

/** An event as it goes into its table. */
export interface Event {
  readonly json: string
  /** Its sender's id of it: events with the same one count once. */
  readonly uuid: string | undefined
}

/** Fields that are meant for the server, and become no columns. */
const idName = '#UUID'
const uploadTimeName = '#SSUT'
const keenName = 'keen'
const recordTimeName = 'td_record_time'

/** Ids that are longer, or have anything unusual in them, are not taken for ids. */
const uuidPattern = /^[\w.:-]{1,128}$/

/** Makes an event of the value at `span`. Fails with `invalid_request` or `body_too_large`. */
export function readEvent(text: string, span: Span, around: Surroundings): Event {
  if (!isObjectAt(text, span)) {
    throw new AppError('invalid_request', 'An event is not an object.', { hint: 'Send events as JSON objects.' })
  }
  if (span.to - span.from > eventBytesMax || Buffer.byteLength(text.slice(span.from, span.to)) > eventBytesMax) {
    throw new AppError('body_too_large', `The event is larger than the limit of ${eventBytesMax} bytes.`, {
      hint: 'Send large things by an import, or in several events.',
    })
  }
  const draft = new Draft(text, membersOf(text, span))
  fillIn(draft, around)
  const { uuid, isKeen } = takeId(draft, around)
  takeTime(draft, around, isKeen)
  return { json: draft.json(), uuid }
}

/** A field whose value is its own name is asked of the server. */
function fillIn(draft: Draft, { known, added }: Surroundings): void {
  for (const name of draft.selfNamed()) {
    const value = known(name)
    if (value !== undefined) draft.set(name, value)
  }
  for (const name of added) if (!draft.has(name)) draft.set(name, known(name) ?? null)
}

function takeId(draft: Draft, { hasUuid, hasKeen }: Surroundings): { uuid: string | undefined; isKeen: boolean } {
  const own = draft.take(idName)
  const uuid = own ?? (hasUuid ? draft.get('uuid') : undefined)
  const isId = typeof uuid === 'string' && uuidPattern.test(uuid)
  return { uuid: isId ? uuid : undefined, isKeen: hasKeen || own !== undefined }
}

/** Without a field `time` in the end, it is the time of receipt that counts. */
function takeTime(draft: Draft, around: Surroundings, isKeen: boolean): void {
  const { time, receivedSeconds, hasRecordTime } = around
  const eventTime = isKeen ? keenSeconds(draft.take(keenName)) : undefined
  if (hasRecordTime) {
    const recordTime = believable(draft.take(recordTimeName), receivedSeconds)
    if (recordTime !== undefined) return draft.set('time', recordTime)
  }
  const uploadTime = draft.take(uploadTimeName)
  if (uploadTime === true || uploadTime === 1 || uploadTime === 'true') {
    draft.take('time')
    return
  }
  if (typeof uploadTime === 'string' && uploadTime !== '') draft.set(uploadTime, receivedSeconds)
  if (draft.has('time')) return
  if (eventTime !== undefined) draft.set('time', eventTime)
  else if (time !== undefined) draft.set('time', time)
}

/** Of what third parties write into addresses, what is far from now is no time. */
function believable(value: unknown, nowSeconds: number): number | undefined {
  const seconds = typeof value === 'string' || typeof value === 'number' ? Number(value) : Number.NaN
  const { past, future } = recordTimeSeconds
  return seconds >= nowSeconds - past && seconds <= nowSeconds + future ? seconds : undefined
}

/** `{"timestamp": …}`, in one of the notations of dates that the SDKs have had. */
function keenSeconds(keen: unknown): number | undefined {
  if (typeof keen !== 'object' || keen === null || !('timestamp' in keen)) return undefined
  const ms = typeof keen.timestamp === 'string' ? Date.parse(keen.timestamp) : Number.NaN
  return Number.isNaN(ms) ? undefined : ms / 1000
}

/** An object whose members stay as they were written, except for those that are set or taken. */
class Draft {
  readonly #text: string
  readonly #members: readonly Member[]
  readonly #byName: ReadonlyMap<string, Member>
  readonly #set = new Map<string, string>()
  readonly #taken = new Set<string>()

  constructor(text: string, members: readonly Member[]) {
    this.#text = text
    this.#members = members
    this.#byName = new Map(members.map((member) => [member.name, member]))
  }

  /** The names of the fields whose value is their name. */
  selfNamed(): string[] {
    return this.#members.filter((member) => this.#raw(member) === `"${member.name}"`).map(({ name }) => name)
  }

  has(name: string): boolean {
    return this.#set.has(name) || (this.#byName.has(name) && !this.#taken.has(name))
  }

  get(name: string): unknown {
    const member = this.#byName.get(name)
    return member === undefined ? undefined : JSON.parse(this.#raw(member))
  }

  set(name: string, value: string | number | null): void {
    this.#set.set(name, JSON.stringify(value))
  }

  /** The value, which is no longer part of the object. */
  take(name: string): unknown {
    const value = this.get(name)
    if (value !== undefined) this.#taken.add(name)
    return value
  }

  json(): string {
    const kept = this.#members
      .filter(({ name }) => !this.#taken.has(name) && !this.#set.has(name))
      .map((member) => `${JSON.stringify(member.name)}:${this.#raw(member)}`)
    const set = [...this.#set].map(([name, value]) => `${JSON.stringify(name)}:${value}`)
    return `{${[...kept, ...set].join(',')}}`
  }

  #raw({ from, to }: Member): string {
    return this.#text.slice(from, to)
  }
}
