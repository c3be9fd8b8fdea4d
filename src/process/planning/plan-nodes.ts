/** A node of a plan as DuckDB serialises it. Nothing is known of its fields before they are looked at. */
export type PlanNode = Readonly<Record<string, unknown>>

export function isPlanNode(value: unknown): value is PlanNode {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function nodesOf(value: unknown): readonly PlanNode[] {
  return Array.isArray(value) ? value.filter(isPlanNode) : []
}

/** A text, or a number that a JavaScript number cannot hold. */
const token = /"(?:[^"\\]|\\.)*"|-?\d{16,}(?![\d.eE])|NaN|-?Infinity/g

/** Reads DuckDB's JSON, with integers of many digits, NaN and the infinities, which JSON has not, as texts. */
export function parsePlan(json: string): unknown {
  return JSON.parse(json.replace(token, (found) => (found.startsWith('"') ? found : `"${found}"`)))
}
