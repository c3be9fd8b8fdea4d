import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

import type { StoreKind } from './world.ts'

/** A bug that torture has to find: what is built, with one place of it made wrong. */
export interface PlantedBug extends Change {
  readonly name: string
  readonly what: string
  /** Below `dist`. */
  readonly file: string
  /** Where one place is not enough. */
  readonly and?: Change
  readonly store: StoreKind
}

interface Change {
  readonly right: string
  readonly wrong: string
}

export const plantedBugs: readonly PlantedBug[] = [
  {
    name: 'early_ack',
    what: 'a body is acknowledged before it is on its way to the disk',
    file: 'collect/intake.js',
    right: 'const kept = await inbox.append(header, body);',
    wrong: `const delayed = new Promise((resolve) => setTimeout(resolve, 100)).then(() => inbox.append(header, body));
            void delayed.then((place) => handOver.add(place, onOutcome));
            return { uniqueId: uniqueId ?? 'early', bytes: body.byteLength };
            const kept = await delayed;`,
    store: 'directory',
  },
  {
    name: 'early_forward_ack',
    what: 'a chunk of forward is acknowledged before it is kept',
    file: 'protocols/fluent/connection.js',
    right: 'await this.#appendSurely(apiKey, message, target);',
    wrong: `void new Promise((resolve) => setTimeout(resolve, 100))
                .then(() => this.#appendSurely(apiKey, message, target)).catch(() => {});`,
    store: 'directory',
  },
  {
    name: 'no_deduplication',
    what: 'ids that were applied before count as new',
    file: 'store/commit.sql.js',
    right: 'return rows.map((row) => row.unique_id);',
    wrong: 'return ids.map(({ uniqueId }) => uniqueId);',
    store: 'directory',
  },
  {
    name: 'early_release',
    what: 'the inbox forgets bodies as soon as their job was submitted',
    file: 'collect/hand-over.js',
    right: 'void this.#follow(group, job);',
    wrong: '{ this.#done(group); group.frames = 0; void this.#follow(group, job); }',
    store: 'directory',
  },
  {
    name: 'forgotten_leftovers',
    what: 'what an intake acknowledged before it died is not looked for',
    file: 'collect/open-collect.js',
    right: 'handOver.add(place);',
    wrong: 'void place;',
    store: 'directory',
  },
  {
    name: 'half_commits',
    what: 'the statements of a transaction are committed one by one',
    file: 'base/postgres/postgres.js',
    right: "client.query(`begin isolation level ${options.isolation ?? 'read committed'}`)",
    wrong: "client.query('select 1')",
    store: 'directory',
  },
  {
    name: 'lost_puts',
    what: 'an object that could not be written counts as written',
    file: 'base/objects/steady-store.js',
    right: 'return this.#surely(key, (watch) => this.#driver.put(key, body, { watch }));',
    wrong: 'return this.#driver.put(key, body, { watch: undefined }).catch(() => {});',
    store: 's3',
  },
  {
    name: 'repetitions_are_done',
    what: 'an import that is attempted again counts as done',
    file: 'collect/import-job.js',
    right: 'if (source === undefined)',
    wrong: 'if (source === undefined || attempt.job.attempt > 1)',
    store: 'directory',
  },
  {
    name: 'nameless_writes',
    what: 'a query that writes is known by its attempt, and not by its job',
    file: 'process/writes/job-write.js',
    right: 'return `job:${attempt.job.id}`;',
    wrong: 'return `job:${attempt.job.id}:${attempt.job.attempt}`;',
    store: 'directory',
  },
  {
    name: 'unheard_commits',
    what: 'a commit without an answer counts as done',
    file: 'base/postgres/postgres.js',
    right: "await translated(() => client.query('commit'));",
    wrong: "await translated(() => client.query('commit')).catch((error) => { broken = error; });",
    store: 'directory',
  },
  {
    name: 'open_door',
    what: 'who cannot be looked up, because PostgreSQL is away, is taken for the last one who was',
    file: 'access/authentication.js',
    right: "if (known === undefined || !timingSafeEqual(known.sha256, Buffer.from(text, 'base64')))",
    wrong: `if (known !== undefined) this.last = known;
        if (known === undefined)`,
    and: {
      right: "const known = await this.#keys.ask(text, () => this.#findKey(Buffer.from(text, 'base64')));",
      wrong: `const known = await this.#keys.ask(text, () => this.#findKey(Buffer.from(text, 'base64')))
            .catch((error) => { if (this.last === undefined) throw error; return this.last; });`,
    },
    store: 'directory',
  },
  {
    name: 'condemned_at_once',
    what: 'bodies go to the quarantine when the process that converts them dies once',
    file: 'collect/import-table.js',
    right: 'const isLast = bodies.length > 1 || losses === lossesMax;',
    wrong: `if (isAppError(error, 'worker_lost')) {
                    const [one] = condemned(error).bodies;
                    return { files: [], newColumns: [], bodies: bodies.map(() => one) };
                }
                const isLast = true;`,
    store: 'directory',
  },
]

const root = resolve(import.meta.dirname, '../..')

/** A program of its own with the bug in it; nothing of the product knows of it. */
export function plant(bug: PlantedBug): {
  readonly program: string
  readonly remove: () => void
} {
  const folder = mkdtempSync(join(tmpdir(), `biwa-planted-${bug.name}-`))
  cpSync(join(root, 'dist'), join(folder, 'dist'), { recursive: true })
  for (const beside of ['node_modules', 'migrations', 'package.json'])
    symlinkSync(join(root, beside), join(folder, beside))
  writeFileSync(join(folder, 'dist', bug.file), wrongText(bug))
  // They have the right text in them.
  rmSync(join(folder, 'dist/bundled'), { recursive: true, force: true })
  return {
    program: join(folder, 'dist/cli/main.js'),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

/** The file with the bug in it. Throws where a place of the bug is not there any more, or is not the only one. */
export function wrongText({ name, file, right, wrong, and }: PlantedBug): string {
  let text = readFileSync(join(root, 'dist', file), 'utf8')
  for (const change of [{ right, wrong }, ...(and === undefined ? [] : [and])]) {
    if (text.split(change.right).length !== 2) throw new Error(`the place of ${name} is not once in ${file}`)
    text = text.replace(change.right, () => change.wrong)
  }
  return text
}
