import { AppError } from '../../base/errors.ts'

const charactersMax = 255
const unprintable = /[\p{C}\p{Zl}\p{Zp}]/u

/** Fails with `invalid_name` unless `name` may be that of a bulk import. */
export function requireImportName(name: string): void {
  if (isShortLine(name) && !name.includes('/')) return
  throw new AppError('invalid_name', `${shown(name)} cannot be the name of a bulk import.`, {
    hint: `Names have 1 to ${charactersMax} printable characters without a slash.`,
  })
}

/** Fails with `invalid_name` unless `name` may be that of a part: what follows a period is its kind, so there is one at most. */
export function requirePartName(name: string): void {
  if (isShortLine(name) && !name.includes('/') && name.split('.').length <= 2) return
  throw new AppError('invalid_name', `${shown(name)} cannot be the name of a part.`, {
    hint: `Names of parts have 1 to ${charactersMax} printable characters, no slash, and one period at most.`,
  })
}

function isShortLine(name: string): boolean {
  return name.length >= 1 && name.length <= charactersMax && !unprintable.test(name)
}

function shown(name: string): string {
  return JSON.stringify(name.length > 100 ? `${name.slice(0, 100)}…` : name)
}
