import { AppError } from '../../base/errors.ts'

/** A clock on the wall: that of a zone of the IANA, with seconds added; of the two, one says nothing. */
export interface Zone {
  readonly name: string
  readonly seconds: number
}

/** The abbreviations that Java knows as zones: their clocks may be set twice a year. */
const abbreviatedZones: Readonly<Record<string, string>> = {
  ACT: 'Australia/Darwin',
  AET: 'Australia/Sydney',
  AGT: 'America/Argentina/Buenos_Aires',
  ART: 'Africa/Cairo',
  AST: 'America/Anchorage',
  BET: 'America/Sao_Paulo',
  BST: 'Europe/London',
  CAT: 'Africa/Harare',
  CNT: 'America/St_Johns',
  CST: 'America/Chicago',
  CTT: 'Asia/Shanghai',
  EAT: 'Africa/Addis_Ababa',
  ECT: 'Europe/Paris',
  IET: 'America/Indiana/Indianapolis',
  IST: 'Asia/Kolkata',
  JST: 'Asia/Tokyo',
  MIT: 'Pacific/Apia',
  NET: 'Asia/Yerevan',
  NST: 'Pacific/Auckland',
  PLT: 'Asia/Karachi',
  PNT: 'America/Phoenix',
  PRT: 'America/Puerto_Rico',
  PST: 'America/Los_Angeles',
  SST: 'Pacific/Guadalcanal',
  VST: 'Asia/Ho_Chi_Minh',
}

/** Abbreviations that are one offset all the year, in hours. */
const abbreviatedOffsets: Readonly<Record<string, number>> = {
  Z: 0,
  UTC: 0,
  GMT: 0,
  EST: -5,
  MST: -7,
  HST: -10,
  ADT: -3,
  EDT: -4,
  CDT: -5,
  MDT: -6,
  PDT: -7,
  AKDT: -8,
  AKST: -9,
  CEST: 2,
  SAST: 2,
  EEST: 3,
  MSK: 3,
  GST: 4,
  PKT: 5,
  ICT: 7,
  WIB: 7,
  AWST: 8,
  HKT: 8,
  SGT: 8,
  KST: 9,
  AEST: 10,
  AEDT: 11,
  NZST: 12,
  NZDT: 13,
}

const offsetPattern = /^(?:GMT|UTC)?([+-])(\d{1,2}):?(\d{2})?$/i

/** A zone by its name, its abbreviation or its offset (+09:00, GMT+9). Fails with `query_data` where it is none. */
export function zoneOf(text: string): Zone {
  const zone = knownZone(text.trim())
  if (zone !== undefined) return zone
  throw new AppError('query_data', `There is no time zone ${JSON.stringify(text.slice(0, 60))}.`, {
    hint: "Zones are names such as 'Asia/Tokyo', offsets such as '+09:00', and abbreviations such as 'JST'.",
  })
}

export function knownZone(text: string): Zone | undefined {
  const [found, sign, hours, minutes = '0'] = offsetPattern.exec(text) ?? []
  if (found !== undefined) {
    const seconds = Number(hours) * 3600 + Number(minutes) * 60
    return seconds > 18 * 3600 ? undefined : { name: 'UTC', seconds: sign === '-' ? -seconds : seconds }
  }
  const folded = text.toUpperCase()
  const hoursEast = abbreviatedOffsets[folded]
  if (hoursEast !== undefined) return { name: 'UTC', seconds: hoursEast * 3600 }
  const name = abbreviatedZones[folded] ?? text
  return formatterOf(name) === undefined ? undefined : { name, seconds: 0 }
}

/** One for each zone that was asked for; there are no more of them than the IANA names, and null stands for a few that are none. */
const formatters = new Map<string, Intl.DateTimeFormat | null>()
const strangersMax = 1000

function formatterOf(name: string): Intl.DateTimeFormat | undefined {
  const known = formatters.get(name)
  if (known !== undefined) return known ?? undefined
  if (name.length > 64 || formatters.size > strangersMax) formatters.clear()
  const formatter = name.length > 64 || name === '' ? null : openFormatter(name)
  formatters.set(name, formatter)
  return formatter ?? undefined
}

function openFormatter(name: string): Intl.DateTimeFormat | null {
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone: name, timeZoneName: 'longOffset' })
  } catch {
    return null
  }
}

/** Clocks are set at full quarters of an hour, so that one look serves for fifteen minutes. */
const lookSeconds = 900
const looksMax = 10_000
const looks = new Map<string, Map<number, number>>()

/** How far the clock of the zone is before UTC, in seconds; NaN where no clock goes so far. */
export function offsetAt({ name, seconds }: Zone, unix: number): number {
  if (name === 'UTC') return seconds
  let ofZone = looks.get(name)
  if (ofZone === undefined) looks.set(name, (ofZone = new Map()))
  const look = Math.floor(unix / lookSeconds)
  let offset = ofZone.get(look)
  if (offset === undefined) {
    if (ofZone.size >= looksMax) ofZone.clear()
    ofZone.set(look, (offset = lookAt(name, look * lookSeconds)))
  }
  return offset
}

function lookAt(name: string, unix: number): number {
  if (!(Math.abs(unix) <= 8.64e12)) return Number.NaN
  const shown = formatterOf(name)?.format(new Date(unix * 1000)) ?? ''
  const [found, sign, hours, minutes, seconds = '0'] = /GMT(?:([+-])(\d{2}):(\d{2})(?::(\d{2}))?)?$/.exec(shown) ?? []
  if (found === undefined) return Number.NaN
  if (sign === undefined) return 0
  const offset = Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)
  return sign === '-' ? -offset : offset
}

/**
 * The unix second at which the clock shows `clock` (seconds since 1970 on that clock). A time that it shows twice is the later
 * one; one that it leaps over is as if it had not leapt. That is what DuckDB does.
 */
export function unixOf(clock: number, zone: Zone): number {
  const before = offsetAt(zone, clock - 86_400)
  const after = offsetAt(zone, clock + 86_400)
  const fits = [after, before].find((offset) => offsetAt(zone, clock - offset) === offset)
  return clock - (fits ?? before)
}

/** What the clocks are called, by their offset in hours. */
const clockNames: readonly (readonly [zones: string, names: Readonly<Record<string, string>>])[] = [
  ['UTC Etc/UTC', { 0: 'UTC' }],
  ['Europe/London GB', { 0: 'GMT', 1: 'BST' }],
  ['Asia/Tokyo Japan', { 9: 'JST' }],
  ['Asia/Seoul ROK', { 9: 'KST' }],
  ['Asia/Shanghai PRC Asia/Taipei', { 8: 'CST' }],
  ['Asia/Hong_Kong Hongkong', { 8: 'HKT' }],
  ['Asia/Singapore Singapore', { 8: 'SGT' }],
  ['Asia/Kolkata Asia/Calcutta', { 5.5: 'IST' }],
  ['America/Los_Angeles US/Pacific PST8PDT America/Vancouver America/Tijuana', { '-8': 'PST', '-7': 'PDT' }],
  ['America/Denver US/Mountain MST7MDT America/Boise America/Phoenix', { '-7': 'MST', '-6': 'MDT' }],
  ['America/Chicago US/Central CST6CDT', { '-6': 'CST', '-5': 'CDT' }],
  ['America/New_York US/Eastern EST5EDT America/Toronto America/Detroit', { '-5': 'EST', '-4': 'EDT' }],
  ['Pacific/Honolulu US/Hawaii', { '-10': 'HST' }],
  ['America/Anchorage US/Alaska', { '-9': 'AKST', '-8': 'AKDT' }],
  [
    `Europe/Paris Europe/Berlin Europe/Madrid Europe/Rome Europe/Amsterdam Europe/Brussels Europe/Vienna Europe/Zurich
     Europe/Stockholm Europe/Oslo Europe/Copenhagen Europe/Prague Europe/Warsaw Europe/Budapest CET MET`,
    { 1: 'CET', 2: 'CEST' },
  ],
  ['Europe/Helsinki Europe/Athens Europe/Kiev Europe/Kyiv Europe/Bucharest EET', { 2: 'EET', 3: 'EEST' }],
  ['Europe/Moscow W-SU', { 3: 'MSK' }],
  ['Australia/Sydney Australia/Melbourne Australia/Brisbane', { 10: 'AEST', 11: 'AEDT' }],
  ['Australia/Perth', { 8: 'AWST' }],
  ['Pacific/Auckland NZ', { 12: 'NZST', 13: 'NZDT' }],
]

const namesOfZone: ReadonlyMap<string, Readonly<Record<string, string>>> = new Map(
  clockNames.flatMap(([zones, names]) => zones.split(/\s+/).map((zone) => [zone, names] as const)),
)

/** What people call the clock of a zone when it is so far before UTC: JST, PDT; GMT+04:00 where it has no name. */
export function clockName(text: string, offset: number): string {
  const folded = text.trim().toUpperCase()
  if (folded !== 'Z' && abbreviatedOffsets[folded] !== undefined) return folded
  const { name, seconds } = zoneOf(text)
  const named = seconds === 0 ? namesOfZone.get(name)?.[offset / 3600] : undefined
  return named ?? (offset === 0 ? 'GMT' : `GMT${offsetText(offset, ':')}`)
}

/** +0900, with a mark in the middle. */
export function offsetText(offset: number, mark: string): string {
  const two = (value: number) => String(Math.floor(value)).padStart(2, '0')
  const size = Math.abs(offset)
  return `${offset < 0 ? '-' : '+'}${two(size / 3600)}${mark}${two((size / 60) % 60)}`
}
