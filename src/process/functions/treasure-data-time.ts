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

  td_time_string: `(t, code, zone := 'UTC') as case
      when _code_with_zone(code) then _time_text(t, code, zone)
      else strftime(date_trunc(_code_unit(code), _local(t, zone)), _code_format(code))
    end`,
  td_time_format: `(t, pattern, zone := 'UTC') as
      _shown(_local(t, zone), _java_format(pattern), zone, _offset(t, zone))`,
  /** Most formats have no marks, and DuckDB leaves out the branch of a condition on constants that is not taken. */
  _shown: `(clock, format, zone, offset_seconds) as case
      when _has_marks(format) then _without_marks(strftime(clock, format), epoch_ms(clock), zone, offset_seconds)
      else strftime(clock, format)
    end`,
} as const
