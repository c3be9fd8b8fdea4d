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

/** Objects of other intakes that nobody released for so many seconds, oldest first. */
export async function waitingObjects(db: Queryable, intakeId: string, seconds: number): Promise<InboxObject[]> {
  return await db.query<InboxObject>(sql`
    select id, object_key as "objectKey", bytes from inbox_objects
     where released_at is null and intake_id <> ${intakeId}
       and received_at <= now() - make_interval(secs => ${seconds})
     order by received_at`)
}

/** How large the object is; undefined where it was released. */
export async function waitingBytes(db: Queryable, objectKey: string): Promise<number | undefined> {
  const rows = await db.query<{ bytes: number }>(sql`
    select bytes from inbox_objects where object_key = ${objectKey} and released_at is null`)
  return rows[0]?.bytes
}

export async function markReleased(db: Queryable, objectKey: string): Promise<void> {
  await db.query(sql`
    update inbox_objects set released_at = now() where object_key = ${objectKey} and released_at is null`)
}

/** Objects that were released so many seconds ago and are still there, because their intake died in between. */
export async function releasedObjects(db: Queryable, seconds: number): Promise<string[]> {
  const rows = await db.query<{ object_key: string }>(sql`
    select object_key from inbox_objects where released_at <= now() - make_interval(secs => ${seconds}) limit 1000`)
  return rows.map((row) => row.object_key)
}

export async function forgetObject(db: Queryable, objectKey: string): Promise<void> {
  await db.query(sql`delete from inbox_objects where object_key = ${objectKey} and released_at is not null`)
}

/** Those of the keys that are registered, released or not. */
export async function selectRegistered(db: Queryable, objectKeys: readonly string[]): Promise<string[]> {
  const rows = await db.query<{ object_key: string }>(sql`
    select object_key from inbox_objects where object_key = any(${objectKeys}::text[])`)
  return rows.map((row) => row.object_key)
}
