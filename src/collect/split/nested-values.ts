import { assert } from '../../base/errors.ts'
import { JsonScalars } from './json-scalars.ts'
import { code, isOpening, JsonScanner, unreadable } from './json-scanner.ts'
import { hasUnpairedSurrogate } from './json-strings.ts'
import { MsgpackScalars } from './msgpack-scalars.ts'
import type { MsgpackScanner } from './msgpack-scanner.ts'
import { NodeTape, shape } from './node-tape.ts'
import type { ValueTape } from './value-tape.ts'

/** Reads nested values of records onto a tape, on which writers find what is inside of them. One value at a time. */
export class NestedValues {
  readonly tape: NodeTape
  readonly #depthMax: number
  #json: JsonNodes | undefined

  constructor(nodesMax: number, depthMax: number) {
    this.tape = new NodeTape(nodesMax)
    this.#depthMax = depthMax
  }

  /** Reads a field of kind `nested`. False where there is too much inside. */
  read(from: ValueTape, field: number): boolean {
    const { tape } = this
    const start = from.starts[field] as number
    tape.count = 0
    tape.bytes = from.bytes
    tape.msgpack = from.msgpack
    if (from.msgpack !== undefined) return new MsgpackNodes(from.msgpack, tape).read(start) !== tooMuch
    if (this.#json?.bytes !== from.bytes) {
      this.#json = new JsonNodes(new JsonScanner(from.bytes, true, true, this.#depthMax), tape)
    }
    return this.#json.read(start) !== tooMuch
  }

  /** Reads a field that is text, if the text is JSON that would be nested. False where it is not, or where there is too much. */
  readText(from: ValueTape, field: number): boolean {
    from.locateText(field)
    const bytes = from.textBytes.subarray(from.textStart, from.textEnd)
    const scanner = new JsonScanner(bytes, true, true, this.#depthMax)
    const start = scanner.skipSpace(0)
    if (!isOpening(bytes[start])) return false
    const end = scanner.nested(start, 1)
    if (end === unreadable || scanner.skipSpace(end) !== bytes.length) return false
    if (scanner.sawSurrogate && hasUnpairedSurrogate(bytes, start, end)) return false
    this.tape.count = 0
    this.tape.bytes = bytes
    this.tape.msgpack = undefined
    return new JsonNodes(scanner, this.tape).read(start) !== tooMuch
  }
}

/** Stands instead of the end of a value with too much inside. */
const tooMuch = -1

/** Reads JSON that was checked before, at most as deep as records may be. */
class JsonNodes {
  readonly bytes: Uint8Array
  readonly #scanner: JsonScanner
  readonly #scalars: JsonScalars
  readonly #tape: NodeTape

  constructor(scanner: JsonScanner, tape: NodeTape) {
    this.bytes = scanner.bytes
    this.#scanner = scanner
    this.#scalars = new JsonScalars(scanner, tape)
    this.#tape = tape
  }

  /** Returns the place behind the value at `start`. */
  read(start: number): number {
    const { bytes } = this
    const tape = this.#tape
    const place = tape.count
    if (!tape.add()) return tooMuch
    if (!isOpening(bytes[start])) {
      const end = this.#scalars.read(start)
      assert(end !== unreadable, 'the value was checked before')
      return end
    }
    const isMap = bytes[start] === code.openObject
    const scanner = this.#scanner
    let at = scanner.skipSpace(start + 1)
    while (bytes[at] !== code.closeObject && bytes[at] !== code.closeArray) {
      if (bytes[at] === code.comma) at = scanner.skipSpace(at + 1)
      if (isMap) {
        at = this.read(at)
        if (at === tooMuch) return tooMuch
        at = scanner.colon(at)
      }
      at = this.read(at)
      if (at === tooMuch) return tooMuch
      at = scanner.skipSpace(at)
    }
    tape.close(place, isMap ? shape.map : shape.array, start, at + 1)
    return at + 1
  }
}

/** Reads MessagePack that was checked before, at most as deep as records may be. */
class MsgpackNodes {
  readonly #scanner: MsgpackScanner
  readonly #scalars: MsgpackScalars
  readonly #tape: NodeTape

  constructor(scanner: MsgpackScanner, tape: NodeTape) {
    this.#scanner = scanner
    this.#scalars = new MsgpackScalars(scanner, tape)
    this.#tape = tape
  }

  /** Returns the place behind the value at `start`. */
  read(start: number): number {
    const scanner = this.#scanner
    const tape = this.#tape
    const place = tape.count
    if (!tape.add()) return tooMuch
    const behind = scanner.header(start)
    const { family, count } = scanner
    if (family !== 'map' && family !== 'array') return this.#scalars.put(start, behind)
    let at = behind
    for (let values = family === 'map' ? count * 2 : count; values > 0; values -= 1) {
      at = this.read(at)
      if (at === tooMuch) return tooMuch
    }
    tape.close(place, family === 'map' ? shape.map : shape.array, start, at)
    return at
  }
}
