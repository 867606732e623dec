#!/usr/bin/env node
/**
 * The program `roberta-ascend`: commands, and the one place where errors become messages and exit
 * codes. A new command is a file beside this one and a line in `commands`.
 *
 * Exit codes: 0 done; 1 a comparison or check failed its verdict; 2 bad usage or bad input; 3 a device
 * or the environment is not available; 4 a device failed while running; 70 a defect of this program.
 */
import { Command, CommanderError } from 'commander'
import { type ErrorKind, RobertaAscendError } from '../errors.ts'
import { Exit } from './exit.ts'
import { note } from './notes.ts'
import { OutputClosedError } from './output/sink.ts'
import { packageInfo } from './package-info.ts'

const exitCodes: Readonly<Record<ErrorKind, number>> = { input: 2, environment: 3, device: 4 }
const usageExitCode = 2
const defectExitCode = 70

/** In the order of `--help`. Loading all of them takes longer than many a command runs, so each is loaded on demand. */
const commands: Readonly<Record<string, () => Promise<Command>>> = {
  classify: async () => (await import('./classify.ts')).classifyCommand(),
  download: async () => (await import('./download.ts')).downloadCommand(),
  doctor: async () => (await import('./doctor.ts')).doctorCommand(),
  bench: async () => (await import('./bench.ts')).benchCommand(),
  compare: async () => (await import('./compare.ts')).compareCommand(),
  op: async () => (await import('./op.ts')).opCommand(),
  evaluate: async () => (await import('./evaluate.ts')).evaluateCommand(),
  verify: async () => (await import('./verify.ts')).verifyCommand(),
  trace: async () => (await import('./trace.ts')).traceCommand(),
}

const defaultCommand = 'classify'

const helpWords = ['help', '-h', '--help']
const versionOptions = ['-V', '--version']

/** The program with the commands that a command line needs, of which `name` is the first word. */
async function program(name: string): Promise<Command> {
  const { version, description } = packageInfo()
  const root = new Command('roberta-ascend')
    .description(description)
    .version(version)
    .enablePositionalOptions()
    .addHelpText(
      'after',
      `\nWithout a command it is ${defaultCommand}: roberta-ascend --text "I am so happy today!"\n` +
        `Options of a command: roberta-ascend ${defaultCommand} --help`,
    )
  const wanted = helpWords.includes(name) ? Object.keys(commands) : [name]
  for (const each of wanted) {
    const command = await commands[each]?.()
    if (command !== undefined) root.addCommand(command)
  }
  return root
}

/** The words of a command line with the command's name before them, which may have been left out. */
function withCommand(args: readonly string[]): readonly string[] {
  const names = [...Object.keys(commands), ...helpWords, ...versionOptions]
  return names.includes(args[0] ?? '') ? args : [defaultCommand, ...args]
}

/**
 * The words after a command's name as commander wants them: options spelt with dashes (`--batch_file` is
 * `--batch-file`). Values of options stay as they are, also if they look like options themselves.
 */
function normalizeArguments(root: Command, name: string, args: readonly string[]): string[] {
  const options = root.commands.find((command) => command.name() === name)?.options ?? []
  let isValue = false
  let isOver = false
  return args.map((arg) => {
    if (isOver || isValue || !arg.startsWith('--')) {
      isValue = false
      return arg
    }
    isOver = arg === '--'
    const [given = ''] = arg.split('=', 1)
    const long = given.replaceAll('_', '-')
    const option = options.find((known) => known.long === long)
    isValue = option?.required === true && given === arg
    return option === undefined ? arg : long + arg.slice(given.length)
  })
}

/** Runs one command line and returns its exit code; never throws. */
export async function run(args: readonly string[]): Promise<number> {
  const [name = '', ...rest] = withCommand(args)
  try {
    const root = await program(name)
    for (const command of [root, ...root.commands]) {
      command.exitOverride().configureOutput({ outputError: () => {} })
    }
    await root.parseAsync([name, ...normalizeArguments(root, name, rest)], { from: 'user' })
    return 0
  } catch (error) {
    return report(firstFailure(error), name)
  }
}

/**
 * What went wrong first. After that closing may fail too, as with a device that is lost, and then
 * `await using` throws a SuppressedError that holds both.
 */
function firstFailure(error: unknown): unknown {
  const isSuppressed = error instanceof Error && 'suppressed' in error
  return isSuppressed ? firstFailure(error.suppressed) : error
}

function report(error: unknown, command: string): number {
  // Help and version are "errors" of commander's with exit code 0. A closed pipe wants no message.
  if (error instanceof CommanderError && error.exitCode === 0) return 0
  if (error instanceof OutputClosedError) return 0
  if (error instanceof Exit) return error.code
  if (process.env.DEBUG) console.error(error)
  if (error instanceof CommanderError) {
    // `help` of a command there is not has printed the commands there are.
    if (error.code !== 'commander.help') {
      note(`roberta-ascend: ${usageMessage(error)}; see roberta-ascend ${command} --help`)
    }
    return usageExitCode
  }
  if (error instanceof RobertaAscendError) {
    note(`roberta-ascend: ${error.message}`)
    return exitCodes[error.kind]
  }
  const hint = 'run again with DEBUG=1 for the stack'
  note(`roberta-ascend: a defect of this program: ${String(error)}; ${hint}`)
  return defectExitCode
}

function usageMessage({ message }: CommanderError): string {
  return message
    .replace(/^error: /, '')
    .replaceAll('\n', ' ')
    .replace(/ is invalid\. (?=must )/, ' is invalid: it ')
    .replace(/\.$/, '')
}

// Notes are best effort: a closed or full standard error takes no result away.
process.stderr.on('error', () => {})
// Results report their own failures; what help and version lose here nobody reads.
process.stdout.on('error', () => {})
process.exitCode = await run(process.argv.slice(2))
