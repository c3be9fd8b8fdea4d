const charactersMax = 60

/** SQL in one short line, for lists. */
export function sqlSummary(sql: string): string {
  const line = sql.replace(/\s+/g, ' ').trim()
  return line.length > charactersMax ? `${line.slice(0, charactersMax - 1)}…` : line
}
