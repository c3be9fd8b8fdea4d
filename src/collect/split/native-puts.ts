import type { NativeValues } from './native-lane.ts'
import type { SparseBuilder } from './sparse-writer.ts'
import type { BooleanBuilder, BytesBuilder, DoubleBuilder, Int64Builder } from './vector-builders.ts'

/** Puts values that WebAssembly read into the column of a field; `isWhole` where every row has one. */
export type PutNative = (values: NativeValues, rows: number, firstRow: number, isWhole: boolean) => void

export function nativeIntegers(sparse: SparseBuilder, builder: Int64Builder): PutNative {
  return ({ hasValue, words }, rows, firstRow, isWhole) => {
    if (isWhole) return builder.setMany(sparse.addMany(firstRow, rows), words, rows)
    for (let row = 0; row < rows; row += 1) {
      if (hasValue[row] === 0) continue
      builder.setWords(sparse.add(firstRow + row), words[row * 2] as number, words[row * 2 + 1] as number)
    }
  }
}

export function nativeDoubles(sparse: SparseBuilder, builder: DoubleBuilder): PutNative {
  return ({ hasValue, doubles }, rows, firstRow, isWhole) => {
    if (isWhole) return builder.setMany(sparse.addMany(firstRow, rows), doubles, rows)
    for (let row = 0; row < rows; row += 1) {
      if (hasValue[row] === 1) builder.set(sparse.add(firstRow + row), doubles[row] as number)
    }
  }
}

export function nativeBooleans(sparse: SparseBuilder, builder: BooleanBuilder): PutNative {
  return ({ hasValue, booleans }, rows, firstRow) => {
    for (let row = 0; row < rows; row += 1) {
      if (hasValue[row] === 1) builder.set(sparse.add(firstRow + row), booleans[row] === 1)
    }
  }
}

export function nativeTexts(sparse: SparseBuilder, builder: BytesBuilder): PutNative {
  return ({ hasValue, ends, text }, rows, firstRow, isWhole) => {
    if (isWhole) return builder.setMany(sparse.addMany(firstRow, rows), text, ends, rows)
    let start = 0
    for (let row = 0; row < rows; row += 1) {
      const end = ends[row] as number
      if (hasValue[row] === 1) builder.setRange(sparse.add(firstRow + row), text, start, end)
      start = end
    }
  }
}
