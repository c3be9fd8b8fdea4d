import { BIGINT, BOOLEAN, DuckDBScalarFunction, VARCHAR } from '@duckdb/node-api'
import type { DuckDBType, DuckDBValue } from '@duckdb/node-api'

import type { Session } from '../../../base/duckdb/session.ts'
import { AppError } from '../../../base/errors.ts'
import { agentFields, userAgentFields } from '../../functions/agents.ts'
import { cutToBytes } from '../../functions/bytes.ts'
import {
  hasMarks,
  javaFormat,
  jodaFormat,
  jodaParseFormat,
  mysqlFormat,
  withoutMarks,
} from '../../functions/date-patterns.ts'
import { momentOf, requireMoment } from '../../functions/moments.ts'
import { replacementOf } from '../../functions/replacements.ts'
import { durationOf, intervalOf, timeCode, timeText } from '../../functions/time-units.ts'
import { zoneOf } from '../../functions/zones.ts'

/**
 * A function that is computed here instead of in SQL. It costs a microsecond for each row, on one thread, so it is for what is
 * constant in most queries, and then folded by DuckDB, and for what SQL cannot say. It answers NULL where an argument is NULL,
 * and the same for the same arguments; its errors are those of the query.
 */
interface ComputedFunction {
  readonly parameters: readonly DuckDBType[]
  readonly answers: DuckDBType
  readonly compute: (...values: readonly DuckDBValue[]) => DuckDBValue
}

function ofTexts(
  answers: DuckDBType,
  parameters: number,
  compute: (...texts: string[]) => DuckDBValue,
): ComputedFunction {
  return {
    parameters: Array.from({ length: parameters }, () => VARCHAR),
    answers,
    compute: (...values) => compute(...values.map(String)),
  }
}

const interval = (end: 0 | 1): ComputedFunction => ({
  parameters: [VARCHAR, VARCHAR, BIGINT],
  answers: BIGINT,
  compute: (spec, zone, now) => BigInt(intervalOf(String(spec), String(zone), Number(now))[end]),
})

const computedFunctions: Readonly<Record<string, ComputedFunction>> = {
  _zone_name: ofTexts(VARCHAR, 1, (zone) => zoneOf(zone).name),
  _zone_seconds: ofTexts(BIGINT, 1, (zone) => BigInt(zoneOf(zone).seconds)),
  _has_marks: ofTexts(BOOLEAN, 1, hasMarks),
  _without_marks: {
    parameters: [VARCHAR, BIGINT, VARCHAR, BIGINT],
    answers: VARCHAR,
    compute: (text, clockMs, zone, offset) => withoutMarks(String(text), Number(clockMs), String(zone), Number(offset)),
  },
  _time_text: {
    parameters: [BIGINT, VARCHAR, VARCHAR],
    answers: VARCHAR,
    compute: (t, code, zone) => timeText(Number(t), String(code), String(zone)),
  },
  _moment: ofTexts(BIGINT, 2, (text, zone) => BigInt(requireMoment(text, zone))),
  _moment_or_null: ofTexts(BIGINT, 2, (text, zone) => {
    const moment = momentOf(text, zone)
    return moment === undefined ? null : BigInt(moment)
  }),
  _interval_start: interval(0),
  _interval_end: interval(1),
  _duration: ofTexts(BIGINT, 1, (text) => BigInt(durationOf(text))),
  _code_unit: ofTexts(VARCHAR, 1, (code) => timeCode(code).unit),
  _code_format: ofTexts(VARCHAR, 1, (code) => timeCode(code).format),
  _code_with_zone: ofTexts(BOOLEAN, 1, (code) => timeCode(code).withZone),
  _java_format: ofTexts(VARCHAR, 1, javaFormat),
  _joda_format: ofTexts(VARCHAR, 1, jodaFormat),
  _joda_parse_format: ofTexts(VARCHAR, 1, jodaParseFormat),
  _mysql_format: ofTexts(VARCHAR, 1, mysqlFormat),
  _replacement: ofTexts(VARCHAR, 1, replacementOf),
  _cut_to_bytes: {
    parameters: [VARCHAR, BIGINT, VARCHAR],
    answers: VARCHAR,
    compute: (text, bytesMax, charset) => cutToBytes(String(text), Number(bytesMax), String(charset)),
  },
  _parse_agent: ofTexts(VARCHAR, 1, agentFields),
  _parse_user_agent: ofTexts(VARCHAR, 2, userAgentFields),
}

export const computedNames: readonly string[] = Object.keys(computedFunctions)

/** Makes the function of that name known to the session's instance. */
export function registerComputed(session: Session, name: string): void {
  const computed = computedFunctions[name]
  if (computed === undefined) throw new Error(`there is no computed function ${name}`)
  const { parameters, answers, compute } = computed
  session.connection.registerScalarFunction(
    DuckDBScalarFunction.create({
      name,
      returnType: answers,
      parameterTypes: parameters,
      mainFunction(_, input, output) {
        const columns = parameters.map((_type, index) => input.getColumnVector(index))
        for (let row = 0; row < input.rowCount; row += 1) {
          const values = columns.map((column) => column.getItem(row))
          output.setItem(row, values.includes(null) ? null : withHint(() => compute(...values)))
        }
        output.flush()
      },
    }),
  )
}

/** DuckDB takes nothing but the message of an error. */
function withHint<T>(compute: () => T): T {
  try {
    return compute()
  } catch (error) {
    throw error instanceof AppError ? new Error(`${error.message} ${error.hint ?? ''}`.trim()) : error
  }
}
