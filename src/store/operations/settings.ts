import { AppError } from '../../base/errors.ts'
import type { Postgres } from '../../base/postgres/postgres.ts'
import type { Once, TableName, TableSettings } from '../store.ts'
import { lockNamed, noteOperation } from './hold-tables.ts'
import { endHistory, updateSettings } from './settings.sql.ts'

/** A hundred years: more is forever. */
const expireDaysMax = 36_525
const historyHoursMax = 24 * 366

export async function setProperties(
  postgres: Postgres,
  accountId: number,
  name: TableName,
  settings: Partial<TableSettings>,
  once?: Once,
): Promise<void> {
  const { expireDays, historyHours } = settings
  if (typeof expireDays === 'number') requireWhole('expire_days', expireDays, 1, expireDaysMax)
  if (historyHours !== undefined) requireWhole('history_hours', historyHours, 0, historyHoursMax)
  await postgres.transaction(async (tx) => {
    const table = await lockNamed(tx, accountId, name)
    if (await noteOperation(tx, accountId, table, 'alter', once)) await updateSettings(tx, table.id, settings)
  })
}

export async function purgeHistory(
  postgres: Postgres,
  now: Date,
  accountId: number,
  name: TableName,
  once?: Once,
): Promise<number> {
  return await postgres.transaction(async (tx) => {
    const table = await lockNamed(tx, accountId, name)
    return (await noteOperation(tx, accountId, table, 'alter', once)) ? await endHistory(tx, table.id, now) : 0
  })
}

function requireWhole(property: string, value: number, min: number, max: number): void {
  if (Number.isSafeInteger(value) && value >= min && value <= max) return
  throw new AppError('invalid_request', `The property ${property} cannot be ${value}.`, {
    hint: `It is a whole number from ${min} to ${max}.`,
  })
}
