import { boundLate } from './bound-late.ts'

/** Functions of Presto and Trino that DuckDB has not, or has under another name with other arguments. */
const values = {
  array_average: '(items) as list_avg(items)',
  array_except: '(items, others) as list_filter(list_distinct(items), lambda item: not list_contains(others, item))',
  array_join: `(items, mark, for_null := null) as array_to_string(
      list_transform(items, lambda item: coalesce(cast(item as varchar), for_null)), mark)`,
  array_remove: '(items, wanted) as list_filter(items, lambda item: item is distinct from wanted)',
  array_union: '(items, others) as list_distinct(list_concat(items, others))',
  bitwise_and: '(a, b) as cast(a as bigint) & cast(b as bigint)',
  bitwise_or: '(a, b) as cast(a as bigint) | cast(b as bigint)',
  bitwise_xor: '(a, b) as xor(cast(a as bigint), cast(b as bigint))',
  bitwise_not: '(a) as ~cast(a as bigint)',
  bitwise_left_shift: '(a, bits) as a << bits',
  bitwise_arithmetic_shift_right: '(a, bits) as a >> bits',
  from_base: `(digits, radix) as list_reduce(
      list_transform(string_split(lower(digits), ''),
                     lambda digit: cast(strpos('0123456789abcdefghijklmnopqrstuvwxyz', digit) - 1 as bigint)),
      lambda sum, digit: sum * radix + digit, cast(0 as bigint))`,
  e: '() as exp(1)',
  infinity: "() as cast('infinity' as double)",
  nan: "() as cast('nan' as double)",
  width_bucket: `
      (x, bins) as len(list_filter(bins, lambda bin: bin <= x)),
      (x, low, high, buckets) as case
        when x < low then 0
        when x >= high then buckets + 1
        else cast(floor((x - low) * buckets / cast(high - low as double)) as bigint) + 1
      end`,
  sequence: `
      (since, till) as case when since <= till then generate_series(since, till) else generate_series(since, till, -1) end,
      (since, till, step) as generate_series(since, till, step)`,
  slice: `(items, since, size) as list_slice(items, since,
      case when since < 0 and since + size >= 0 then -1 else since + size - 1 end)`,
  map_agg: `(key, value) as ${boundLate('key', "_map_of(list({'key': key, 'value': value}) filter (where key is not null))", 'min(key)')}`,
  _map_of: `(entries) as ${boundLate(
    'entries',
    `map_from_entries(list_transform([list_sort(entries)], lambda sorted:
      list_filter(sorted, lambda entry, i: i = 1 or entry.key is distinct from sorted[i - 1].key))[1])`,
    'len(entries)',
  )}`,
  multimap_agg: `(key, value) as
      ${boundLate('key', "_multimap_of(list({'key': key, 'value': value}) filter (where key is not null))", 'min(key)')}`,
  _multimap_of: `(entries) as ${boundLate(
    'entries',
    `map_from_entries(list_transform(
      list_sort(list_distinct(list_transform(entries, lambda entry: entry.key))),
      lambda wanted: {'key': wanted, 'value': list_transform(
        list_filter(entries, lambda entry: entry.key = wanted), lambda entry: entry.value)}))`,
    'len(entries)',
  )}`,
  set_agg: '(value) as list(distinct value)',
  checksum: '(value) as bit_xor(hash(value))',
  _size: `(value) as case when value is not null then
      case json_type(to_json(value)) when 'ARRAY' then json_array_length(to_json(value)) else len(json_keys(to_json(value))) end
    end`,
} as const

const texts = {
  levenshtein_distance: '(a, b) as levenshtein(a, b)',
  hamming_distance: '(a, b) as hamming(a, b)',
  normalize: '(words) as nfc_normalize(words)',
  to_utf8: '(words) as encode(words)',
  from_utf8: '(bytes) as decode(bytes)',
  codepoint: '(sign) as unicode(sign)',
  regexp_count: '(words, pattern) as len(regexp_extract_all(words, pattern))',
  regexp_split: '(words, pattern) as string_split_regex(words, pattern)',
  split_to_map: `(words, outer_mark, inner_mark) as map_from_entries(list_transform(
      string_split(words, outer_mark),
      lambda entry: {'key': split_part(entry, inner_mark, 1), 'value': split_part(entry, inner_mark, 2)}))`,
  url_extract_protocol: "(url) as _found(url, '^([A-Za-z][A-Za-z0-9+.-]*):')",
  url_extract_host: "(url) as _found(url, '^[^:/?#]+://(?:[^/?#@]*@)?([^/?#:]*)')",
  url_extract_port: "(url) as try_cast(_found(url, '^[^:/?#]+://[^/?#]*:(\\d+)(?:[/?#]|$)') as bigint)",
  url_extract_path: "(url) as regexp_extract(url, '^[^:/?#]+:(?://[^/?#]*)?([^?#]*)', 1)",
  url_extract_query: "(url) as _found(url, '\\?([^#]*)')",
  url_extract_fragment: "(url) as _found(url, '#(.*)$')",
  url_extract_parameter: `(url, name) as td_url_decode(list_filter(
      string_split(regexp_extract(url, '\\?([^#]*)', 1), '&'),
      lambda pair: split_part(pair, '=', 1) = name)[1][len(name) + 2:])`,
  _found: "(words, pattern) as nullif(regexp_extract(words, pattern, 1), '')",
  json_parse: '(words) as cast(words as json)',
  json_format: '(value) as cast(value as varchar)',
  json_extract_scalar: `(value, path) as case
      when json_valid(cast(value as varchar)) and json_type(value, path) not in ('OBJECT', 'ARRAY')
        then json_extract_string(value, path)
    end`,
  json_size: `(value, path) as case json_type(value, path)
      when 'ARRAY' then json_array_length(value, path)
      when 'OBJECT' then len(json_keys(value, path))
      else 0
    end`,
  json_array_get: '(value, place) as json_extract(cast(value as json), cast(place as bigint))',
  json_array_contains:
    '(value, wanted) as list_contains(cast(cast(value as json) as varchar[]), cast(wanted as varchar))',
  is_json_scalar: "(value) as json_type(value) not in ('OBJECT', 'ARRAY')",
} as const

const times = {
  from_unixtime: `
      (t) as make_timestamp(cast(t * 1000000 as bigint)),
      (t, zone) as _local(t, zone)`,
  to_unixtime: '(instant) as epoch(instant)',
  from_iso8601_timestamp: '(words) as cast(words as timestamptz)',
  from_iso8601_date: '(words) as cast(words as date)',
  to_iso8601: "(instant) as strftime(cast(instant as timestamp), '%Y-%m-%dT%H:%M:%S.%gZ')",
  date_parse: `(words, pattern) as ${boundLate('words', 'strptime(words, _mysql_format(pattern))')}`,
  date_format: '(instant, pattern) as strftime(instant, _mysql_format(pattern))',
  format_datetime: `(instant, pattern) as
      ${boundLate('instant', "_shown(cast(instant as timestamp), _joda_format(pattern), 'UTC', 0)")}`,
  parse_datetime: `(words, pattern) as ${boundLate('words', 'strptime(words, _joda_parse_format(pattern))')}`,
  at_timezone: '(instant, zone) as _clock(cast(instant as timestamptz), zone)',
  with_timezone: '(clock, zone) as timezone(_zone_name(zone), clock - to_seconds(_zone_seconds(zone)))',
  _clock: '(instant, zone) as timezone(_zone_name(zone), instant) + to_seconds(_zone_seconds(zone))',
  current_timezone: "() as 'UTC'",
} as const

const arities = Array.from({ length: 12 }, (_, index) => Array.from({ length: index + 1 }, (_item, at) => `v${at}`))
const ofEach = (body: (names: readonly string[]) => string): string =>
  arities.map((names) => `(${names.join(', ')}) as ${body(names)}`).join(', ')

const nullWithNull = (name: string): string =>
  ofEach(
    (names) =>
      `case when ${names.map((of) => `${of} is not null`).join(' and ')} then ${name}(${names.join(', ')}) end`,
  )

/** What functions mean to Presto where DuckDB means something else by their names: calls of them are renamed (dialects). */
const meantOtherwise = {
  presto_cardinality: '(value) as _size(value)',
  presto_concat: ofEach((names) => names.join(' || ')),
  presto_date_add: `(unit, n, instant) as instant + case lower(unit)
      when 'millisecond' then to_milliseconds(n) when 'second' then to_seconds(n) when 'minute' then to_minutes(n)
      when 'hour' then to_hours(n) when 'day' then to_days(cast(n as integer)) when 'week' then to_days(cast(7 * n as integer))
      when 'month' then to_months(cast(n as integer)) when 'quarter' then to_months(cast(3 * n as integer))
      when 'year' then to_years(cast(n as integer))
      else cast(unit as interval)
    end`,
  presto_date_diff: '(unit, since, till) as date_sub(unit, cast(since as timestamp), cast(till as timestamp))',
  presto_element_at: '(value, key) as value[key]',
  presto_format: ofEach((names) => `printf(${names.join(', ')})`),
  presto_greatest: nullWithNull('greatest'),
  presto_least: nullWithNull('least'),
  presto_array_position: '(items, wanted) as coalesce(list_position(items, wanted), 0)',
  presto_md5: '(value) as unhex(md5(value))',
  presto_sha1: '(value) as unhex(sha1(value))',
  presto_sha256: '(value) as unhex(sha256(value))',
  presto_millisecond: '(instant) as millisecond(instant) % 1000',
  presto_regexp_extract: `(words, pattern, part := 0) as
      case when regexp_matches(words, pattern) then regexp_extract(words, pattern, part) end`,
  presto_regexp_replace: `(words, pattern, instead := '') as regexp_replace(words, pattern, _replacement(instead), 'g')`,
  presto_repeat: '(value, n) as list_transform(range(n), lambda i: value)',
  presto_split: `
      (words, mark) as string_split(words, mark),
      (words, mark, parts_max) as list_transform([string_split(words, mark)], lambda parts:
        case when len(parts) <= parts_max then parts
        else list_append(parts[:parts_max - 1], array_to_string(parts[parts_max:], mark)) end)[1]`,
  presto_substr: `
      (words, since) as case when since = 0 then '' else substr(words, since) end,
      (words, since, size) as case when since = 0 then '' else substr(words, since, size) end`,
  presto_url_decode: "(words) as url_decode(replace(words, '+', '%20'))",
  presto_url_encode: "(words) as replace(url_encode(words), '%20', '+')",
} as const

export const prestoFunctions = { ...values, ...texts, ...times, ...meantOtherwise }
