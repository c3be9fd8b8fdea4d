import type { SqlDialect } from './dialect.ts'
import { pairFunctionNames } from './pair-lambdas.ts'

/**
 * How a call is written for DuckDB: words of ours, and in between the arguments by their number. Undefined where there are not so
 * many, and the call stays as it is. What aggregates is written as a call of DuckDB's own aggregates and not made a macro, because
 * a macro takes no DISTINCT, FILTER and OVER.
 */
type Call = (count: number) => readonly (string | number)[] | undefined

const renamed =
  (name: string): Call =>
  (count) => [`${name}(`, ...Array.from({ length: count }, (_, at) => (at === 0 ? [0] : [', ', at])).flat(), ')']

const written =
  (count: number, ...parts: readonly (string | number)[]): Call =>
  (given) =>
    given === count ? parts : undefined

/** The value in the row with the least or the greatest of the values behind it. */
const byOrder =
  (aggregate: string): Call =>
  (count) => {
    if (count < 2) return undefined
    const keys = Array.from({ length: count - 1 }, (_, at) => (at === 0 ? [1] : [', ', at + 1])).flat()
    return count === 2 ? [`${aggregate}(`, 0, ', ', 1, ')'] : [`${aggregate}(`, 0, ', row(', ...keys, '))']
  }

/** In every dialect: DuckDB has no functions of these names. */
const everywhere: Readonly<Record<string, Call>> = {
  approx_distinct: (count) => (count > 0 ? ['approx_count_distinct(', 0, ')'] : undefined),
  approx_percentile: written(2, 'approx_quantile(', 0, ', ', 1, ')'),
  every: renamed('bool_and'),
  bitwise_and_agg: renamed('bit_and'),
  bitwise_or_agg: renamed('bit_or'),
  bitwise_xor_agg: renamed('bit_xor'),
  collect_list: written(1, 'list(', 0, ') filter (where (', 0, ') is not null)'),
  collect_set: written(1, 'list(distinct ', 0, ') filter (where (', 0, ') is not null)'),
  percentile: renamed('quantile_cont'),
  percentile_approx: (count) => (count > 1 ? ['approx_quantile(', 0, ', ', 1, ')'] : undefined),
  td_sumif: written(2, 'sum(', 0, ') filter (where ', 1, ')'),
  td_avgif: written(2, 'avg(', 0, ') filter (where ', 1, ')'),
  td_first: byOrder('arg_min_null'),
  td_last: byOrder('arg_max_null'),
  any_match: written(2, 'list_bool_or(list_transform(', 0, ', ', 1, '))'),
  all_match: written(2, 'list_bool_and(list_transform(', 0, ', ', 1, '))'),
  none_match: written(2, '(not list_bool_or(list_transform(', 0, ', ', 1, ')))'),
  transform: renamed('list_transform'),
  array_max: renamed('list_max'),
  array_min: renamed('list_min'),
  array_sum: renamed('list_sum'),
  arrays_overlap: renamed('list_has_any'),
  zip: renamed('list_zip'),
  explode: renamed('unnest'),
  regexp_like: renamed('regexp_matches'),
  is_nan: renamed('isnan'),
  is_finite: renamed('isfinite'),
  is_infinite: renamed('isinf'),
  truncate: renamed('trunc'),
  rand: renamed('random'),
  day_of_week: renamed('isodow'),
  dow: renamed('isodow'),
  day_of_month: renamed('dayofmonth'),
  day_of_year: renamed('dayofyear'),
  doy: renamed('dayofyear'),
  week_of_year: renamed('week'),
  year_of_week: renamed('isoyear'),
  yow: renamed('isoyear'),
  last_day_of_month: renamed('last_day'),
}

const prestoNames = `array_position cardinality concat date_add date_diff element_at format greatest least md5 millisecond
  regexp_extract regexp_replace repeat sha1 sha256 split substr url_decode url_encode`

const presto: Readonly<Record<string, Call>> = {
  ...Object.fromEntries(prestoNames.split(/\s+/).map((name) => [name, renamed(`presto_${name}`)])),
  substring: renamed('presto_substr'),
  reduce: written(4, 'list_transform([list_reduce(', 0, ', ', 2, ', ', 1, ')], ', 3, ')[1]'),
}

const hiveNames = `date_add date_sub date_format datediff day dayofmonth dayofweek from_unixtime hour map minute month quarter
  regexp_extract second split weekofyear year`

const hive: Readonly<Record<string, Call>> = {
  ...Object.fromEntries(hiveNames.split(/\s+/).map((name) => [name, renamed(`hive_${name}`)])),
  array: renamed('list_value'),
  struct: renamed('row'),
  concat: renamed('presto_concat'),
  greatest: renamed('presto_greatest'),
  least: renamed('presto_least'),
  regexp_replace: renamed('presto_regexp_replace'),
  substr: renamed('presto_substr'),
  substring: renamed('presto_substr'),
  isnull: written(1, '((', 0, ') is null)'),
  isnotnull: written(1, '((', 0, ') is not null)'),
}

const byDialect: Readonly<Record<SqlDialect, ReadonlyMap<string, Call>>> = {
  duckdb: new Map(Object.entries(everywhere)),
  presto: new Map(Object.entries({ ...everywhere, ...presto })),
  hive: new Map(Object.entries({ ...everywhere, ...hive })),
}

/** The translation of calls of a name in a dialect. */
export function callOf(name: string, dialect: SqlDialect): Call | undefined {
  return byDialect[dialect].get(name)
}

/** The names that are translated in every dialect, to be suggested for those that nobody knows. */
export const translatedNames: readonly string[] = [...Object.keys(everywhere), ...pairFunctionNames]
