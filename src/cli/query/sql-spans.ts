/** A stretch of SQL in which all characters mean the same kind of thing. */
export interface SqlSpan {
  readonly kind: 'code' | 'text' | 'name' | 'comment'
  readonly start: number
  readonly end: number
  /** The quote or comment ends within the SQL. */
  readonly closed: boolean
}

// Sticky patterns that match from the opening of a kind to its end, or to the end of the SQL where it does not close.
const openings: readonly { kind: SqlSpan['kind']; starts: RegExp; whole: RegExp }[] = [
  { kind: 'text', starts: /[eE](?=')/y, whole: /[eE]'(?:[^'\\]|\\[^]|'')*'/y },
  { kind: 'text', starts: /'/y, whole: /'(?:[^']|'')*'/y },
  { kind: 'name', starts: /"/y, whole: /"(?:[^"]|"")*"/y },
  { kind: 'comment', starts: /--/y, whole: /--[^\n]*/y },
  { kind: 'comment', starts: /\/\*/y, whole: /\/\*[^]*?\*\//y },
  { kind: 'text', starts: /\$(?:[A-Za-z_]\w*)?\$/y, whole: /\$((?:[A-Za-z_]\w*)?)\$[^]*?\$\1\$/y },
]

/** The SQL as a sequence of spans without gaps. Knows quotes and comments, and nothing else of SQL. */
export function sqlSpans(sql: string): SqlSpan[] {
  const spans: SqlSpan[] = []
  let codeStart = 0
  const endCode = (end: number) => {
    if (end > codeStart) spans.push({ kind: 'code', start: codeStart, end, closed: true })
  }
  for (let at = 0; at < sql.length;) {
    const span = spanAt(sql, at)
    if (span === undefined) {
      at++
      continue
    }
    endCode(span.start)
    spans.push(span)
    at = codeStart = span.end
  }
  endCode(sql.length)
  return spans
}

function spanAt(sql: string, at: number): SqlSpan | undefined {
  const matches = (pattern: RegExp): number | undefined => {
    pattern.lastIndex = at
    return pattern.test(sql) ? pattern.lastIndex : undefined
  }
  // A letter or dollar inside of a word opens nothing: `like'x'` is no E-string, and a$b$c is a name.
  const inWord = at > 0 && /[\w$]/.test(sql.charAt(at - 1))
  for (const { kind, starts, whole } of openings) {
    if (matches(starts) === undefined || (inWord && /[eE$]/.test(sql.charAt(at)))) continue
    const end = matches(whole)
    return { kind, start: at, end: end ?? sql.length, closed: end !== undefined }
  }
  return undefined
}

/** The statements of a script, without their semicolons, and what follows the last semicolon. */
export function splitStatements(sql: string): { statements: string[]; rest: string } {
  const statements: string[] = []
  let start = 0
  for (const span of sqlSpans(sql)) {
    if (span.kind !== 'code') continue
    for (let at = sql.indexOf(';', span.start); at !== -1 && at < span.end; at = sql.indexOf(';', at + 1)) {
      statements.push(sql.slice(start, at).trim())
      start = at + 1
    }
  }
  return { statements: statements.filter((statement) => statement !== ''), rest: sql.slice(start) }
}
