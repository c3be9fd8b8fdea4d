/** One setting, and how its text is read. */
export interface SettingSpec<Value> {
  /** The flag without its dashes; the variable is the same in capitals, BIWA_ before it, unless `env` says otherwise. */
  readonly flag: string
  readonly env?: string
  readonly fallback: Value
  readonly doc: string
  /** Shown after the flag; absent for switches. */
  readonly placeholder?: string
  /** Throws a sentence when the text is no good value. */
  readonly parse: (text: string) => Value
}

export const text = (spec: Omit<SettingSpec<string>, 'parse'>): SettingSpec<string> => ({
  ...spec,
  parse: (value) => value,
})

export const toggle = (spec: Omit<SettingSpec<boolean>, 'parse'>): SettingSpec<boolean> => ({
  ...spec,
  parse(value) {
    if (['1', 'true', 'yes', 'on'].includes(value.toLowerCase())) return true
    if (['0', 'false', 'no', 'off'].includes(value.toLowerCase())) return false
    throw new Error(`“${value}” is neither true nor false`)
  },
})

export const whole = (
  spec: Omit<SettingSpec<number>, 'parse'> & { min: number; max: number },
): SettingSpec<number> => ({
  ...spec,
  parse(value) {
    const number = Number(value)
    if (!/^\d+$/.test(value) || number < spec.min || number > spec.max) {
      throw new Error(`“${value}” is not a whole number from ${spec.min} to ${spec.max}`)
    }
    return number
  },
})

export const bytes = (spec: Omit<SettingSpec<number>, 'parse'>): SettingSpec<number> => ({
  ...spec,
  parse(value) {
    const match = /^(\d+)(b|kb|mb|gb|tb|kib|mib|gib|tib)?$/i.exec(value)
    if (match === null) throw new Error(`“${value}” is not a size such as 512MB or 4GiB`)
    const unit = (match[2] ?? 'b').toLowerCase()
    const base = unit.includes('i') ? 1024 : 1000
    return Number(match[1]) * base ** 'bkmgt'.indexOf(unit.charAt(0))
  },
})

/** Texts separated by commas, none by default. */
export const list = ({
  one,
  ...spec
}: Omit<SettingSpec<readonly string[]>, 'parse' | 'fallback'> & { one: (text: string) => string }): SettingSpec<
  readonly string[]
> => ({ ...spec, fallback: [], parse: (value) => value.split(',').map((text) => one(text.trim().toLowerCase())) })

export const portOrOff = (
  spec: Omit<SettingSpec<number | 'off'>, 'parse' | 'fallback'>,
): SettingSpec<number | 'off'> => ({
  ...spec,
  fallback: 'off',
  parse(value) {
    if (value === 'off') return value
    const number = Number(value)
    if (!/^\d+$/.test(value) || number > 65_535) throw new Error(`“${value}” is neither a port nor “off”`)
    return number
  },
})
