import type { Queryable } from '../src/base/postgres/postgres.ts'
import { sql } from '../src/base/postgres/postgres.ts'

export interface DumpedColumn {
  readonly table: string
  readonly name: string
  readonly type: string
  readonly notNull: boolean
  /** `always` or `by default` for an identity column. */
  readonly identity: string | null
  readonly fallback: string | null
}

export interface DumpedPart {
  readonly table: string
  readonly definition: string
}

export function dumpColumns(postgres: Queryable): Promise<DumpedColumn[]> {
  return postgres.query(sql`
    select c.relname as table, a.attname as name, format_type(a.atttypid, a.atttypmod) as type,
           a.attnotnull as "notNull",
           case a.attidentity when 'a' then 'always' when 'd' then 'by default' end as identity,
           pg_get_expr(d.adbin, d.adrelid) as fallback
    from pg_class c
    join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
    order by c.relname, a.attnum`)
}

/** Primary keys first, then unique, check and foreign keys. PostgreSQL 18 lists not-null constraints, too. */
export function dumpConstraints(postgres: Queryable): Promise<DumpedPart[]> {
  return postgres.query(sql`
    select c.relname as table, 'constraint ' || quote_ident(k.conname) || ' ' || pg_get_constraintdef(k.oid) as definition
    from pg_constraint k
    join pg_class c on c.oid = k.conrelid
    where c.relnamespace = 'public'::regnamespace and k.contype in ('p', 'u', 'c', 'f', 'x')
    order by c.relname, position(k.contype::text in 'pucxf'), k.conname`)
}

/** The indexes that no constraint brought along. */
export function dumpIndexes(postgres: Queryable): Promise<DumpedPart[]> {
  return postgres.query(sql`
    select c.relname as table, pg_get_indexdef(i.indexrelid) as definition
    from pg_index i
    join pg_class c on c.oid = i.indrelid
    where c.relnamespace = 'public'::regnamespace
      and not exists (select from pg_constraint k where k.conindid = i.indexrelid and k.contype in ('p', 'u', 'x'))
    order by c.relname, i.indexrelid::regclass::text`)
}

/** The sequences that no column owns. */
export function dumpSequences(postgres: Queryable): Promise<{ name: string; type: string }[]> {
  return postgres.query(sql`
    select c.relname as name, format_type(s.seqtypid, null) as type
    from pg_sequence s
    join pg_class c on c.oid = s.seqrelid
    where c.relnamespace = 'public'::regnamespace
      and not exists (select from pg_depend d where d.objid = c.oid and d.deptype in ('a', 'i'))
    order by c.relname`)
}

/** Functions of ours, not those of extensions. */
export function dumpFunctions(postgres: Queryable): Promise<{ definition: string }[]> {
  return postgres.query(sql`
    select pg_get_functiondef(p.oid) as definition
    from pg_proc p
    where p.pronamespace = 'public'::regnamespace and p.prokind in ('f', 'p')
      and not exists (select from pg_depend d where d.objid = p.oid and d.deptype = 'e')
    order by p.proname, p.oid`)
}

export function dumpTriggers(postgres: Queryable): Promise<DumpedPart[]> {
  return postgres.query(sql`
    select c.relname as table, pg_get_triggerdef(t.oid) as definition
    from pg_trigger t
    join pg_class c on c.oid = t.tgrelid
    where c.relnamespace = 'public'::regnamespace and not t.tgisinternal
    order by c.relname, t.tgname`)
}

export function dumpExtensions(postgres: Queryable): Promise<{ name: string }[]> {
  return postgres.query(sql`select extname as name from pg_extension where extname <> 'plpgsql' order by extname`)
}
