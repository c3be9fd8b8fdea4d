import { boundLate } from './bound-late.ts'

/** Functions of Hive that DuckDB and Presto have not. */
const functions = {
  nvl: '(value, instead) as coalesce(value, instead)',
  nvl2: '(value, if_known, if_null) as case when value is null then if_null else if_known end',
  unix_timestamp: `
      () as _whole_epoch(now()),
      (words) as _moment_or_null(cast(words as varchar), 'UTC'),
      (words, pattern) as ${boundLate('words', '_whole_epoch(try_strptime(words, _java_format(pattern)))')}`,
  _whole_epoch: '(instant) as cast(floor(epoch(instant)) as bigint)',
  get_json_object: `(value, path) as case when json_valid(cast(value as varchar)) then json_extract_string(value, path) end`,
  parse_url: `
      (url, part) as case upper(part)
        when 'PROTOCOL' then url_extract_protocol(url) when 'HOST' then url_extract_host(url)
        when 'PATH' then url_extract_path(url) when 'QUERY' then url_extract_query(url)
        when 'REF' then url_extract_fragment(url)
      end,
      (url, part, key) as case when upper(part) = 'QUERY' then url_extract_parameter(url, key) end`,
  to_date: '(value) as try_cast(cast(value as timestamp) as date)',
  add_months: '(value, n) as cast(cast(value as date) + to_months(cast(n as integer)) as date)',
  from_utc_timestamp: '(instant, zone) as _clock(cast(instant as timestamptz), zone)',
  to_utc_timestamp: "(clock, zone) as timezone('UTC', with_timezone(cast(clock as timestamp), zone))",
  locate: `
      (wanted, words) as strpos(words, wanted),
      (wanted, words, since) as case strpos(substr(words, since), wanted)
        when 0 then 0 else strpos(substr(words, since), wanted) + since - 1 end`,
  sort_array: '(items) as list_sort(items)',
  unbase64: '(words) as from_base64(words)',
  pmod: '(a, b) as ((a % b) + b) % b',
  str_to_map: "(words, outer_mark := ',', inner_mark := ':') as split_to_map(words, outer_mark, inner_mark)",
  initcap: `(words) as array_to_string(
      list_transform(string_split(lower(words), ' '), lambda word: upper(word[1]) || word[2:]), ' ')`,
  find_in_set: "(wanted, words) as coalesce(list_position(string_split(words, ','), wanted), 0)",
  space: "(n) as repeat(' ', n)",
  '<~>': '(words, pattern) as regexp_matches(words, pattern)',
  '<!~>': '(words, pattern) as not regexp_matches(words, pattern)',
  size: '(value) as coalesce(_size(value), -1)',
} as const

const parts = ['year', 'quarter', 'month', 'day', 'hour', 'minute', 'second', 'weekofyear', 'dayofmonth'] as const
const partsOfTexts = Object.fromEntries(
  parts.map((part) => [`hive_${part}`, `(value) as ${part}(cast(value as timestamp))`]),
)

const pairs = Array.from({ length: 8 }, (_, index) => Array.from({ length: index + 1 }, (_pair, at) => at))
const mapOfPairs = pairs
  .map((of) => {
    const names = of.flatMap((at) => [`k${at}`, `v${at}`])
    return `(${names.join(', ')}) as map_from_entries([${of.map((at) => `{'key': k${at}, 'value': v${at}}`).join(', ')}])`
  })
  .join(', ')

/** What functions mean to Hive where Presto or DuckDB means something else by their names. */
const meantOtherwise = {
  ...partsOfTexts,
  hive_date_add: '(value, n) as cast(cast(value as timestamp) as date) + cast(n as integer)',
  hive_date_sub: '(value, n) as cast(cast(value as timestamp) as date) - cast(n as integer)',
  hive_date_format: `(value, pattern) as
      ${boundLate('value', "_shown(cast(value as timestamp), _java_format(pattern), 'UTC', 0)")}`,
  hive_datediff: `(till, since) as
      date_diff('day', cast(cast(since as timestamp) as date), cast(cast(till as timestamp) as date))`,
  hive_dayofweek: '(value) as dayofweek(cast(value as timestamp)) + 1',
  hive_from_unixtime:
    "(t, pattern := 'yyyy-MM-dd HH:mm:ss') as _shown(_local(t, 'UTC'), _java_format(pattern), 'UTC', 0)",
  hive_map: mapOfPairs,
  hive_regexp_extract: '(words, pattern, part := 1) as regexp_extract(words, pattern, part)',
  hive_split: '(words, pattern) as string_split_regex(words, pattern)',
} as const

export const hiveFunctions = { ...functions, ...meantOtherwise }
