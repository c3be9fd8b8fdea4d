/**
 * DuckDB binds the body of a macro when it is made, as far as it can without types, and would miss the constants and the fields that
 * come with a call. It gives up where a function of many types has an argument of none, and so the body is bound with each call.
 */
export function boundLate(parameter: string, body: string, probe = `${parameter} || ''`): string {
  return `case when false and ${probe} is null then null else ${body} end`
}
