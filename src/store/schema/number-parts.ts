/** The grammar of numbers in JSON (RFC 8259 §6), with groups for the sign, the whole, the fraction and the exponent. */
const numberPattern = `'^(-?)(0|[1-9][0-9]*)(?:\\.([0-9]+))?(?:[eE]([+-]?[0-9]+))?$'`

/** Whether the text is a number of JSON. */
export function isNumberText(text: string): string {
  return `regexp_matches(${text}, ${numberPattern})`
}

/**
 * The number that a text says, to the last digit, in two steps of named expressions: `<prefix>digits` without zeros at
 * either end, empty for zero, times ten to the power of `<prefix>power`, which is NULL beyond the integers of 32 bits.
 */
export function numberParts(text: string, prefix: string): readonly Readonly<Record<string, string>>[] {
  const at = (name: string) => `${prefix}${name}`
  return [
    {
      [at('parts')]: `regexp_extract(${text}, ${numberPattern}, ['sign', 'whole', 'fraction', 'power'])`,
    },
    {
      [at('all')]: `${at('parts')}.whole || ${at('parts')}.fraction`,
      [at('written')]:
        `CASE ${at('parts')}.power WHEN '' THEN 0 ELSE try_cast(${at('parts')}.power AS INTEGER)::BIGINT END`,
    },
    {
      [at('digits')]: `trim(${at('all')}, '0')`,
      [at('power')]:
        `${at('written')} - strlen(${at('parts')}.fraction) + strlen(${at('all')}) - strlen(rtrim(${at('all')}, '0'))`,
    },
  ]
}

/** The digits of the number times 10^scale, without the sign; NULL where it is no integer of so many digits. */
export function scaledDigits(prefix: string, scale: number, digitsMax: number): string {
  const zeros = `(${prefix}power + ${scale})`
  return `CASE
  WHEN ${prefix}digits = '' THEN '0'
  WHEN ${zeros} >= 0 AND strlen(${prefix}digits) + ${zeros} <= ${digitsMax} THEN ${prefix}digits || repeat('0', ${zeros})
END`
}
