// The memory of a module, which whoever calls it lays out.

/** What lies below is the module's own. */
export function firstFree(): u32 {
  return <u32>__heap_base
}

/** Makes room for so many bytes of memory in all. */
export function reserve(bytes: u32): void {
  const pages = (bytes + 0xffff) >>> 16
  const present = <u32>memory.size()
  if (pages > present) memory.grow(pages - present)
}
