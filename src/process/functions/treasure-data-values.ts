/** The functions of Treasure Data on texts, numbers and lists. The aggregates are calls of DuckDB's own (planning/dialects/calls.ts). */
export const treasureDataValues = {
  td_md5: '(value) as md5(value)',
  td_url_encode: "(words) as replace(url_encode(words), '%20', '+')",
  td_url_decode: "(words) as try(url_decode(replace(words, '+', '%20')))",
  td_substring_inencoding: '(words, bytes_max, charset) as _cut_to_bytes(cast(words as varchar), bytes_max, charset)',
  td_parse_agent: '(agent) as cast(cast(_parse_agent(agent) as json) as map(varchar, varchar))',
  td_parse_user_agent: `
      (agent) as _parse_user_agent(agent, ''),
      (agent, part) as _parse_user_agent(agent, part)`,
  td_approx_most_frequent: `(buckets, value, capacity) as _most_frequent(histogram(value), buckets)`,
  _most_frequent: `(counts, buckets) as map_from_entries(list_transform(
      list_sort(list_transform(map_entries(counts), lambda e: {'order': -cast(e.value as bigint), 'key': e.key}))[1:buckets],
      lambda e: {'key': e.key, 'value': -e.order}))`,
  smart_digest: `
      (value) as _digest(value, 0.7),
      (value, weight) as _digest(value, weight)`,
  _digest: `(value, weight) as
      substr(translate(to_base64(unhex(md5(cast(value as varchar)))), '+/', '-_'), 1,
             6 + cast(round(4 * least(1.0, greatest(0.0, weight))) as integer))`,
  td_divide: '(dividend, divisor) as case when divisor = 0 then 0 else dividend / divisor end',
  td_array_index: '(items, place) as case when place >= 0 then list_extract(items, place + 1) end',
  td_numeric_range: `
      (till) as unnest(range(till)),
      (since, till) as unnest(range(since, till)),
      (since, till, step) as unnest(range(since, till, step))`,
} as const
