/** Schemas of Avro 1.11, as they stand in the header of a file. Attributes such as Iceberg's `field-id` ride along. */
export type AvroSchema = AvroPrimitive | AvroRecord | AvroArray | AvroMap | AvroFixed | AvroEnum | readonly AvroSchema[]

export type AvroPrimitive = 'null' | 'boolean' | 'int' | 'long' | 'float' | 'double' | 'bytes' | 'string'

export interface AvroRecord {
  readonly type: 'record'
  readonly name: string
  readonly fields: readonly AvroField[]
}

export interface AvroField {
  readonly name: string
  readonly type: AvroSchema
  readonly default?: null
  readonly 'field-id'?: number
}

export interface AvroArray {
  readonly type: 'array'
  readonly items: AvroSchema
  readonly logicalType?: 'map'
  readonly 'element-id'?: number
}

export interface AvroMap {
  readonly type: 'map'
  readonly values: AvroSchema
}

export interface AvroFixed {
  readonly type: 'fixed'
  readonly name: string
  readonly size: number
}

export interface AvroEnum {
  readonly type: 'enum'
  readonly name: string
  readonly symbols: readonly string[]
}

/**
 * What a value is in JavaScript: records and maps are objects, bytes and fixed are bytes, enums are their symbols. A long
 * is a number where a number holds it exactly, or else a bigint; of a union, the value stands without the branch's name.
 */
export type AvroValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | readonly AvroValue[]
  | { readonly [name: string]: AvroValue }
