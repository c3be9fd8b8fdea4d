/**
 * SQL's LIKE on names: % for any characters, _ for one; null for all. Goes back to the last % only, so that no pattern takes
 * longer than the product of the lengths.
 */
export function isLike(name: string, pattern: string | null): boolean {
  if (pattern === null) return true
  const wanted = pattern.toLowerCase()
  let at = 0
  let next = 0
  let resume: { readonly at: number; readonly next: number } | undefined
  while (at < name.length) {
    if (wanted[next] === '%') {
      resume = { at, next }
      next += 1
    } else if (wanted[next] === '_' || wanted[next] === name[at]) {
      at += 1
      next += 1
    } else if (resume !== undefined) {
      resume = { at: resume.at + 1, next: resume.next }
      at = resume.at
      next = resume.next + 1
    } else return false
  }
  return wanted.slice(next).replaceAll('%', '') === ''
}
