import { marks } from './date-patterns.ts'

/**
 * The functions of time of Treasure Data, as macros over computed functions (computed-functions.ts). DuckDB folds those of constant
 * arguments, so that the planner sees the bounds of TD_TIME_RANGE and TD_INTERVAL, and a format is read once for a query.
 */
export const treasureDataTime = {
  td_scheduled_time: '() as _scheduled_seconds()',
  td_time_range: `(t, since, till := null, zone := 'UTC') as
      (since is null or t >= _moment(cast(since as varchar), zone)) and
      (till is null or t < _moment(cast(till as varchar), zone))`,
  td_interval: `(t, spec, zone := 'UTC') as
      t >= _interval_start(spec, zone, _scheduled_seconds()) and t < _interval_end(spec, zone, _scheduled_seconds())`,
  td_interval_range: `(spec, zone := 'UTC') as
      [_interval_start(spec, zone, _scheduled_seconds()), _interval_end(spec, zone, _scheduled_seconds())]`,
  td_time_parse: `(given, zone := 'UTC') as _moment_or_null(cast(given as varchar), zone)`,
  td_time_add: `(t, duration, zone := 'UTC') as _moment(cast(t as varchar), zone) + _duration(duration)`,

  td_date_trunc: `(unit, t, zone := 'UTC') as _cut(unit, t, zone)`,
  /** Hours and less are cut from the instant: a clock that is set back shows them twice. */
  _cut: `(unit, t, zone) as case
      when lower(unit) in ('second', 'minute', 'hour') then t - _whole(_local(t, zone) - date_trunc(unit, _local(t, zone)))
      else _unix(date_trunc(unit, _local(t, zone)), zone)
    end`,
  _whole: '(duration) as cast(floor(epoch(duration)) as bigint)',
  /** A time that no clock can show is NULL. */
  _instant: '(t) as to_timestamp(case when t between -9000000000000 and 9000000000000 then t end)',
  /** What the clocks of the zone show at unix second t. */
  _local: '(t, zone) as timezone(_zone_name(zone), _instant(t)) + to_seconds(_zone_seconds(zone))',
  /** The unix second at which they show that. */
  _unix: `(clock, zone) as
      cast(floor(epoch(timezone(_zone_name(zone), clock - to_seconds(_zone_seconds(zone))))) as bigint)`,
  _offset: `(t, zone) as _whole(_local(t, zone) - timezone('UTC', _instant(t)))`,

  td_time_string: `(t, code, zone := 'UTC') as
      strftime(date_trunc(_code_unit(code), _local(t, zone)), _code_format(code)) ||
      case when _code_with_zone(code) then _offset_text(_offset(_cut(_code_unit(code), t, zone), zone), '') else '' end`,
  td_time_format: `(t, pattern, zone := 'UTC') as
      _shown(_local(t, zone), _java_format(pattern), zone, _offset(t, zone))`,
  /** Most formats have no marks, and DuckDB leaves out the branch of a condition on constants that is not taken. */
  _shown: `(clock, format, zone, offset_seconds) as case
      when not regexp_matches(format, '[${Object.values(marks).join('')}]') then strftime(clock, format)
      else ${marked()}
    end`,
  _saturday: `(clock) as cast(clock as date) + cast(6 - dayofweek(clock) as integer)`,
  _week_of_year: '(clock) as cast((dayofyear(_saturday(clock)) - 1) // 7 + 1 as varchar)',
  _week_of_month: `(clock) as
      cast((day(clock) + dayofweek(date_trunc('month', clock)) + 6) // 7 as varchar)`,
} as const

function marked(): string {
  const meanings: Readonly<Record<keyof typeof marks, string>> = {
    hourFrom1: 'cast(case hour(clock) when 0 then 24 else hour(clock) end as varchar)',
    twoDigitHourFrom1: "lpad(cast(case hour(clock) when 0 then 24 else hour(clock) end as varchar), 2, '0')",
    hourFrom0: 'cast(hour(clock) % 12 as varchar)',
    twoDigitHourFrom0: "lpad(cast(hour(clock) % 12 as varchar), 2, '0')",
    weekOfYear: '_week_of_year(clock)',
    twoDigitWeekOfYear: "lpad(_week_of_year(clock), 2, '0')",
    weekOfMonth: '_week_of_month(clock)',
    weekYear: 'cast(year(_saturday(clock)) as varchar)',
    dayOfWeekInMonth: 'cast((day(clock) + 6) // 7 as varchar)',
    clockName: '_clock_name(zone, offset_seconds)',
    offset: "_offset_text(offset_seconds, '')",
    offsetHours: "case offset_seconds when 0 then 'Z' else _offset_text(offset_seconds, '')[:3] end",
    isoOffset: "case offset_seconds when 0 then 'Z' else _offset_text(offset_seconds, '') end",
    offsetWithColon: "case offset_seconds when 0 then 'Z' else _offset_text(offset_seconds, ':') end",
    tenth: "strftime(clock, '%g')[1]",
    hundredth: "strftime(clock, '%g')[:2]",
  }
  return (Object.keys(marks) as (keyof typeof marks)[]).reduce(
    (text, mark) => `replace(${text}, '${marks[mark]}', ${meanings[mark]})`,
    'strftime(clock, format)',
  )
}
