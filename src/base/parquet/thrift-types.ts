/** Deeper than any footer is. */
export const depthMax = 24

/** By which a field says what its value is (Thrift compact protocol, “Struct encoding”). */
export const types = {
  stop: 0,
  yes: 1,
  no: 2,
  byte: 3,
  i16: 4,
  i32: 5,
  i64: 6,
  double: 7,
  binary: 8,
  list: 9,
  set: 10,
  struct: 12,
}
