// The values of a column chunk as Parquet encodes them, in WebAssembly (AssemblyScript). src/base/parquet/native-encoder.ts lays out the
// memory: what is read lies where it says, what is written goes where it says, and there is room for either. Sixteen bytes behind
// what is read may be looked at, and as many behind what is written may be written over.

export { findNumberBounds, findRealBounds, findTextBounds, hasNan, maxAt, minAt } from './bounds'
export { packNumbers, packPlaces, packTextLengths } from './bits'
export { keepTexts, keepValues, putTexts, putValues } from './cells'
export { fillBloomFilter } from './bloom'
export { firstFree, reserve } from './memory'
export { numberDictionary, textDictionary } from './dictionary'
export { compress } from './snappy'
