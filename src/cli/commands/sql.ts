import type { Command } from 'commander'

import { Repl } from '../query/repl.ts'
import { runScript } from '../query/script.ts'
import { connect, withConnection, withDatabase } from '../session.ts'
import type { CommonOptions } from '../session.ts'
import type { Terminal } from '../terminal.ts'

export function defineSql(command: Command, terminal: Terminal): void {
  withConnection(withDatabase(command))
    .option('-f, --format <format>', 'of the results: table, vertical, csv, tsv, json, ndjson, markdown')
    .addHelpText('after', '\nStatements end with a semicolon. \\? lists the commands. Standard input may be a script.')
    .action(async (flags: CommonOptions) => {
      const client = await connect(terminal, flags)
      if (terminal.stdin.isTTY === true) await new Repl(client, terminal, flags.format).run()
      else await runScript(client, terminal, flags.format)
    })
}
