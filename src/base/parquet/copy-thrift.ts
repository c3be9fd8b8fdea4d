import type { ByteSink } from './byte-sink.ts'
import { putVarint, putZigzag } from './thrift-compact.ts'
import { depthMax, types } from './thrift-types.ts'

/** What becomes of a number while the struct that it is in is copied. */
export type ChangeNumber = (value: number) => number

/** By field id: how numbers change, and what changes inside of structs and lists of structs. All else stays byte for byte. */
export interface CopyRules {
  readonly [fieldId: number]: ChangeNumber | StructRules | Replacement | 'omit'
}

/** What is written in the place of a value, which begins at `from`. */
export interface Replacement {
  readonly replace: (sink: ByteSink, from: number) => void
}

/** What changes in a struct, which may depend on its own numbers. */
export type StructRules =
  | CopyRules
  | { readonly choose: (numberOf: (fieldId: number) => number | undefined) => CopyRules }

/** A field of a struct: from `from`, where its header begins, over `valueFrom` to `to`. */
export interface ThriftPlace {
  readonly id: number
  readonly type: number
  readonly from: number
  readonly valueFrom: number
  readonly to: number
}

/**
 * Walks over bytes of Thrift's compact protocol without making anything of them, so that what it does not know is copied as it
 * is. Whatever does not fit throws.
 */
export class ThriftCopier {
  readonly bytes: Buffer
  #at: number

  constructor(bytes: Buffer, at = 0) {
    this.bytes = bytes
    this.#at = at
  }

  /** Where it is. */
  get at(): number {
    return this.#at
  }

  /** The fields of the struct that begins here. */
  places(): ThriftPlace[] {
    const places: ThriftPlace[] = []
    for (let id = 0; ;) {
      const from = this.#at
      const header = this.#header(id)
      if (header.type === types.stop) return places
      id = header.id
      const valueFrom = this.#at
      this.#skip(header.type, 0)
      places.push({ id, type: header.type, from, valueFrom, to: this.#at })
    }
  }

  /** How many elements the list has that begins here; the first of them is next. */
  listSize(): number {
    const size = this.#byte() >> 4
    return size === 15 ? this.#varint() : size
  }

  number(): number {
    const value = this.#varint()
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2
  }

  text(): string {
    const length = this.#varint()
    this.#step(length)
    return this.bytes.toString('utf8', this.#at - length, this.#at)
  }

  /** Where the structs of the list begin that begins here. */
  structsOfList(): number[] {
    const size = this.listSize()
    const places: number[] = []
    // Each takes a byte at least, so that this ends with the bytes.
    for (let element = 0; element < size; element += 1) {
      places.push(this.#at)
      this.#skipStruct(0)
    }
    return places
  }

  /** Copies the struct that begins here. */
  copyStruct(sink: ByteSink, given: StructRules): void {
    const rules = 'choose' in given ? given.choose(this.#numbersHere()) : given
    let copiedId = 0
    for (let id = 0; ;) {
      const from = this.#at
      const header = this.#header(id)
      const isAsItWas = copiedId === id
      id = header.id
      const rule = header.type === types.stop ? undefined : rules[id]
      if (rule === 'omit') {
        this.#skip(header.type, 0)
        continue
      }
      if (isAsItWas || header.type === types.stop) sink.append(this.bytes.subarray(from, this.#at))
      else putFieldHeader(sink, header, copiedId)
      if (header.type === types.stop) return
      copiedId = id
      this.#copyValue(sink, header.type, rule)
    }
  }

  #copyValue(sink: ByteSink, type: number, rule: ChangeNumber | StructRules | Replacement | undefined): void {
    if (rule === undefined) {
      const from = this.#at
      this.#skip(type, 0)
      sink.append(this.bytes.subarray(from, this.#at))
    } else if (isReplacement(rule)) {
      const from = this.#at
      this.#skip(type, 0)
      rule.replace(sink, from)
    } else if (typeof rule === 'function') putZigzag(sink, rule(this.number()))
    else if (type === types.struct) this.copyStruct(sink, rule)
    else this.#copyStructs(sink, rule)
  }

  /** The numbers of the struct that begins here, by field id. */
  #numbersHere(): (fieldId: number) => number | undefined {
    const places = new ThriftCopier(this.bytes, this.#at).places()
    return (fieldId) => {
      const place = places.find(({ id }) => id === fieldId)
      return place && new ThriftCopier(this.bytes, place.valueFrom).number()
    }
  }

  #copyStructs(sink: ByteSink, rules: StructRules): void {
    const size = this.listSize()
    putStructsHeader(sink, size)
    for (let element = 0; element < size; element += 1) this.copyStruct(sink, rules)
  }

  #header(lastId: number): { id: number; type: number } {
    const header = this.#byte()
    const type = header & 0x0f
    if (type === types.stop) return { id: lastId, type }
    return { id: header >> 4 === 0 ? this.number() : lastId + (header >> 4), type }
  }

  #skip(type: number, depth: number): void {
    if (depth > depthMax) throw new Error('it nests too deeply')
    switch (type) {
      case types.yes:
      case types.no:
        return
      case types.byte:
        return this.#step(1)
      case types.i16:
      case types.i32:
      case types.i64:
        return void this.#varint()
      case types.double:
        return this.#step(8)
      case types.binary:
        return this.#step(this.#varint())
      case types.list:
      case types.set:
        return this.#skipList(depth)
      case types.struct:
        return this.#skipStruct(depth)
      default:
        throw new Error(`it has a field of the type ${type}`)
    }
  }

  #skipList(depth: number): void {
    const elementType = (this.bytes[this.#at] ?? 0) & 0x0f
    const size = this.listSize()
    const isBoolean = elementType === types.yes || elementType === types.no
    // Each element takes a byte at least, so that this ends with the bytes.
    for (let element = 0; element < size; element += 1) this.#skip(isBoolean ? types.byte : elementType, depth + 1)
  }

  #skipStruct(depth: number): void {
    for (let id = 0; ;) {
      const header = this.#header(id)
      if (header.type === types.stop) return
      id = header.id
      this.#skip(header.type, depth + 1)
    }
  }

  /** Numbers of a footer that say anything to us are below 2^53; of others only the length counts. */
  #varint(): number {
    let value = 0
    for (let scale = 1; ; scale *= 0x80) {
      const byte = this.#byte()
      value += (byte & 0x7f) * scale
      if (byte < 0x80) return value
    }
  }

  #byte(): number {
    this.#step(1)
    return this.bytes.readUInt8(this.#at - 1)
  }

  #step(length: number): void {
    if (length > this.bytes.byteLength - this.#at) throw new Error('it ends too early')
    this.#at += length
  }
}

function isReplacement(rule: ChangeNumber | StructRules | Replacement): rule is Replacement {
  return typeof rule === 'object' && 'replace' in rule
}

/** The header of a field behind the field `lastId`: near ones by their distance, others by their id. */
function putFieldHeader(sink: ByteSink, { id, type }: { id: number; type: number }, lastId: number): void {
  if (id > lastId && id - lastId <= 15) return sink.byte(((id - lastId) << 4) | type)
  sink.byte(type)
  putZigzag(sink, id)
}

/** The beginning of a list of structs. */
export function putStructsHeader(sink: ByteSink, size: number): void {
  if (size < 15) return sink.byte((size << 4) | types.struct)
  sink.byte(0xf0 | types.struct)
  putVarint(sink, size)
}
