import { isTimestamp } from './extension-time.ts'
import type { MsgpackScanner } from './msgpack-scanner.ts'
import { isUtf8Range } from './utf8.ts'
import type { ValueTape } from './value-tape.ts'
import { valueKind } from './value-tape.ts'

/** Puts values of MessagePack with nothing inside of them onto a tape. */
export class MsgpackScalars {
  readonly #scanner: MsgpackScanner
  readonly #tape: ValueTape

  constructor(scanner: MsgpackScanner, tape: ValueTape) {
    this.#scanner = scanner
    this.#tape = tape
  }

  /**
   * Sets the newest value of the tape to the one at `at`, whose header the scanner has just read, and which is no array and no
   * map. Returns `behind`, where it ends, or `unreadable` with the scanner's failure.
   */
  put(at: number, behind: number): number {
    const scanner = this.#scanner
    const tape = this.#tape
    const { start, end } = scanner
    switch (scanner.family) {
      case 'fixint': {
        const value = scanner.view.getInt8(at)
        this.#safeInteger(value, at, end)
        return behind
      }
      case 'int':
        this.#signed(start, end)
        return behind
      case 'uint':
        this.#unsigned(start, end)
        return behind
      case 'str':
        if (!isUtf8Range(scanner.bytes, start, end)) return scanner.notUtf8()
        tape.setRange(valueKind.string, start, end)
        return behind
      case 'float': {
        const { view } = scanner
        tape.setNumber(valueKind.float, end - start === 4 ? view.getFloat32(start) : view.getFloat64(start), start, end)
        return behind
      }
      case 'ext':
        if (isTimestamp(scanner.view, start, end)) tape.setRange(valueKind.timestamp, start, end)
        else tape.setRange(valueKind.nested, at, end)
        return behind
      case 'bin':
        tape.setRange(valueKind.binary, start, end)
        return behind
      default:
        tape.setRange(simpleKinds[scanner.family as keyof typeof simpleKinds], at, behind)
        return behind
    }
  }

  #signed(start: number, end: number): void {
    const { view } = this.#scanner
    switch (end - start) {
      case 1:
        return this.#safeInteger(view.getInt8(start), start, end)
      case 2:
        return this.#safeInteger(view.getInt16(start), start, end)
      case 4:
        return this.#safeInteger(view.getInt32(start), start, end)
      default:
        return this.#eightBytes(view.getInt32(start), start, end)
    }
  }

  #unsigned(start: number, end: number): void {
    const { view } = this.#scanner
    switch (end - start) {
      case 1:
        return this.#safeInteger(view.getUint8(start), start, end)
      case 2:
        return this.#safeInteger(view.getUint16(start), start, end)
      case 4:
        return this.#safeInteger(view.getUint32(start), start, end)
      default:
        return this.#eightBytes(view.getUint32(start), start, end)
    }
  }

  #safeInteger(value: number, start: number, end: number): void {
    this.#tape.setNumber(valueKind.integer, value, start, end)
  }

  #eightBytes(high: number, start: number, end: number): void {
    const low = this.#scanner.view.getUint32(start + 4)
    // Only an unsigned number has a high word of so much.
    if (high >= 0x8000_0000) this.#tape.setRange(valueKind.huge, start, end)
    // Within 2^53 a double has it all.
    else if (high >= -0x20_0000 && high < 0x20_0000) this.#safeInteger(high * 4_294_967_296 + low, start, end)
    else this.#tape.setWords(low, high, start, end)
  }
}

const simpleKinds = { nil: valueKind.null, false: valueKind.false, true: valueKind.true } as const
