import { fallbackText, settingTable, settingVariable } from '../src/base/settings.ts'
import type { SettingName } from '../src/base/settings.ts'

/** docs/settings.md, from the table of settings. */
export function settingsDocument(): string {
  const names = Object.keys(settingTable) as SettingName[]
  const rows = names.map((name) => {
    const { flag, doc } = settingTable[name]
    const shown = fallbackText(name)
    return `| \`--${flag}\` | \`${settingVariable(name)}\` | ${shown === '' ? '' : `\`${shown}\``} | ${doc} |`
  })
  return [
    '# Settings',
    '',
    'A flag of `biwa serve` goes before its environment variable, and that before the default. Sizes take units: `512MB`, `4GiB`.',
    'This page is written by `npm run docs` from `src/base/settings.ts`.',
    '',
    '| Flag | Variable | Default | Meaning |',
    '| --- | --- | --- | --- |',
    ...rows,
    '',
  ].join('\n')
}
