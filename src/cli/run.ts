import { Command, CommanderError } from 'commander'

import { commands } from './commands.ts'
import { exitCodes } from './exit-codes.ts'
import { asFailure, failureText } from './failure.ts'
import { wantsColour } from './terminal.ts'
import type { Terminal } from './terminal.ts'

/** Runs one command line, without the name of the program, and returns the exit code. */
export async function run(commandLine: readonly string[], terminal: Terminal): Promise<number> {
  const words = usualWords(commandLine)
  try {
    const program = await programFor(words[0], terminal)
    await program.parseAsync(words, { from: 'user' })
    return exitCodes.ok
  } catch (error) {
    // Commander has written the help or its complaint already.
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage
    const failure = asFailure(error)
    terminal.stderr.write(failureText(failure, wantsColour(terminal)))
    return failure.exitCode
  }
}

/** The other ways of saying the same: `table:tail` as users of td do, `help query`, `--version`, and nothing at all. */
function usualWords(words: readonly string[]): readonly string[] {
  const [first, second, ...rest] = words
  if (first === undefined) return ['--help']
  if (first === '--version' || first === '-V') return ['version']
  if (first === 'help' && second !== undefined) return [second, ...rest, '--help']
  const match = /^([a-z]+):([a-z]+)$/.exec(first)
  return match === null ? words : [match[1] ?? '', match[2] ?? '', ...words.slice(1)]
}

/** All commands by name, and the asked-for one in full: the others are not loaded. */
async function programFor(asked: string | undefined, terminal: Terminal): Promise<Command> {
  const program = new Command('biwa')
    .description('Collect, store, process and deliver data.')
    .exitOverride()
    .showSuggestionAfterError()
    .configureHelp({ showGlobalOptions: false })
    .configureOutput({
      writeOut: (text) => void terminal.stdout.write(text),
      writeErr: (text) => void terminal.stderr.write(text),
      outputError: (text, writeError) => writeError(`${text.trimEnd()}\n  next:  biwa --help, biwa <command> --help\n`),
    })
    .addHelpText('after', '\nOutput goes to standard output, everything else to standard error. See docs/cli.md.')
  for (const { name, summary, load } of commands) {
    const command = program.command(name).description(summary)
    if (name === asked) (await load())(command, terminal)
  }
  return program
}
