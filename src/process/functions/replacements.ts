/** The replacement of a regular expression as Java writes it ($1, \$), as RE2 does (\1). */
export function replacementOf(java: string): string {
  return java.replaceAll(/\\([^])|\$(\d)|\$\{(\d)\}|\\/g, (_, escaped?: string, part?: string, braced?: string) => {
    const group = part ?? braced
    if (group !== undefined) return `\\${group}`
    return escaped === undefined || escaped === '\\' ? '\\\\' : escaped
  })
}
