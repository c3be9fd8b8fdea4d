/** Functions that may stand in FROM. Whatever reads files, settings or other SQL is not among them, nor is anything new. */
export const tableFunctions: ReadonlySet<string> = new Set([
  'unnest',
  'range',
  'generate_series',
  'json_each',
  'json_tree',
  'repeat_row',
  'regexp_split_to_table',
])

/**
 * Scalar functions that tell about the engine instead of the data, change its state, read SQL from a text, or only waste
 * time. The sandbox would stop what they could do harm with; refusing them by name gives the better error.
 */
const forbiddenFunctions: ReadonlySet<string> = new Set([
  'current_catalog',
  'current_connection_id',
  'current_query',
  'current_query_id',
  'current_role',
  'current_schemas',
  'current_setting',
  'current_transaction_id',
  'current_user',
  'currval',
  'get_block_size',
  'getenv',
  'getvariable',
  'in_search_path',
  'json_deserialize_sql',
  'json_execute_serialized_sql',
  'json_serialize_plan',
  'json_serialize_sql',
  'nextval',
  'parse_duckdb_log_message',
  'query',
  'query_table',
  'session_user',
  'setseed',
  'sleep_ms',
  'stats',
  'txid_current',
  'user',
  'vector_type',
  'version',
  'write_log',
])

/** Functions of Treasure Data that are not here, by how their names begin: why, and what to do instead. */
const missingFunctions: readonly (readonly [beginning: string, hint: string])[] = [
  [
    'td_ip_to_',
    'It needs a data set of MaxMind, which is licensed: import one as a table of address ranges, and join with it.',
  ],
  [
    'td_lat_long_to_country',
    'It needs the borders of countries, which are licensed data: import them as a table, and join with it.',
  ],
  [
    'td_currency_conv',
    'It needs daily rates, which are licensed data: import them as a table, and join by date and currency.',
  ],
  [
    'td_pivot',
    "In Hive it stands behind LATERAL VIEW. Elsewhere, write FROM (PIVOT t ON key IN ('a', 'b') USING first(value) GROUP BY id).",
  ],
  [
    'td_unpivot',
    'In Hive it stands behind LATERAL VIEW. Elsewhere, write FROM (UNPIVOT t ON a, b INTO NAME key VALUE value).',
  ],
]

/** What to do about a function that queries for Treasure Data call and that is not here; undefined for others. */
export function missingFunctionHint(name: string): string | undefined {
  const folded = name.toLowerCase()
  return missingFunctions.find(([beginning]) => folded.startsWith(beginning))?.[1]
}

/** Functions whose answer is another one each time. The present is not among them: it is one moment for the whole query. */
const volatileFunctions: ReadonlySet<string> = new Set(['random', 'uuid', 'uuidv4', 'uuidv7', 'gen_random_uuid'])

export function isVolatileFunction(name: string): boolean {
  return volatileFunctions.has(name.toLowerCase())
}

const forbiddenPrefixes = ['__internal', 'pg_', 'duckdb_', 'pragma_', 'inet_', 'has_', 'icu_']
const exceptions: ReadonlySet<string> = new Set(['pg_typeof', 'pg_size_pretty'])

/** Says whether a scalar, aggregate or window function of this name is closed to queries. */
export function isForbiddenFunction(name: string): boolean {
  const folded = name.toLowerCase()
  if (exceptions.has(folded)) return false
  return forbiddenFunctions.has(folded) || forbiddenPrefixes.some((prefix) => folded.startsWith(prefix))
}
