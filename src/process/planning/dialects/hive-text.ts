const escapes: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', b: '\b', 0: '', Z: '\u001A' }

/** What a text says that stands in single or double quotes, with backslashes before what is meant otherwise. */
export function hiveText(quoted: string): string {
  const quote = quoted.charAt(0)
  const body = quoted.slice(1, quoted.length > 1 && quoted.endsWith(quote) ? -1 : undefined)
  return body.replaceAll(/\\(u[\da-fA-F]{4}|[^])/g, (_, escaped: string) => {
    if (escaped.length > 1) return String.fromCharCode(Number.parseInt(escaped.slice(1), 16))
    // LIKE wants to see these two.
    return escaped === '%' || escaped === '_' ? `\\${escaped}` : (escapes[escaped] ?? escaped)
  })
}
