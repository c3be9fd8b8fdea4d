import type { Queryable } from '../../base/postgres/postgres.ts'
import { sql } from '../../base/postgres/postgres.ts'

export interface InboxObject {
  readonly id: string
  readonly objectKey: string
  readonly bytes: number
}

/** From here on the frames of the object are acknowledged. */
export async function registerObject(db: Queryable, object: InboxObject & { intakeId: string }): Promise<void> {
  await db.query(sql`
    insert into inbox_objects (id, object_key, bytes, intake_id)
    values (${object.id}, ${object.objectKey}, ${object.bytes}, ${object.intakeId})
    on conflict (id) do nothing`)
}

export async function isWaiting(db: Queryable, id: string): Promise<boolean> {
  const rows = await db.query(sql`select 1 from inbox_objects where id = ${id} and released_at is null`)
  return rows.length === 1
}
