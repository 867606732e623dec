#!/usr/bin/env node
/**
 * The program `roberta-ascend`: commands, and the one place where errors become messages and exit
 * codes. A new command is a file beside this one and a line in `program`.
 *
 * Exit codes: 0 done; 1 a comparison or check failed its verdict; 2 bad usage or bad input; 3 a device
 * or the environment is not available; 4 a device failed while running; 70 a defect of this program.
 */
import { readFileSync } from 'node:fs'
import { Command, CommanderError } from 'commander'
import { type ErrorKind, RobertaAscendError } from '../errors.ts'
import { classifyCommand } from './classify.ts'
import { downloadCommand } from './download.ts'
import { OutputClosedError } from './output/index.ts'

const exitCodes: Readonly<Record<ErrorKind, number>> = { input: 2, environment: 3, device: 4 }
const usageExitCode = 2
const defectExitCode = 70

function program(): Command {
  const { version, description } = JSON.parse(
    readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
  ) as { version: string; description: string }
  return new Command('roberta-ascend')
    .description(description)
    .version(version)
    .addCommand(classifyCommand(), { isDefault: true })
    .addCommand(downloadCommand())
    .showSuggestionAfterError()
}

/** `--batch_file` is `--batch-file`. Values and what follows `--` stay as they are. */
export function normalizeArguments(args: readonly string[]): string[] {
  const end = args.indexOf('--')
  return args.map((arg, index) =>
    (end >= 0 && index > end) || !arg.startsWith('--')
      ? arg
      : arg.replace(/^[^=]*/, (option) => option.replaceAll('_', '-')),
  )
}

/** Runs one command line and returns its exit code; never throws. */
export async function run(args: readonly string[]): Promise<number> {
  const root = program()
  for (const command of [root, ...root.commands]) {
    command.exitOverride().configureOutput({ outputError: () => {} })
  }
  try {
    await root.parseAsync(normalizeArguments(args), { from: 'user' })
    return 0
  } catch (error) {
    return report(error)
  }
}

function report(error: unknown): number {
  // Help and version are "errors" of commander's with exit code 0. A closed pipe wants no message.
  if (error instanceof CommanderError && error.exitCode === 0) return 0
  if (error instanceof OutputClosedError) return 0
  if (process.env.DEBUG) console.error(error)
  if (error instanceof CommanderError) {
    complain(`${error.message.replace(/^error: /, '').replaceAll('\n', ' ')}; see --help`)
    return usageExitCode
  }
  if (error instanceof RobertaAscendError) {
    complain(error.message)
    return exitCodes[error.kind]
  }
  complain(`a defect of this program: ${String(error)}; run again with DEBUG=1 for the stack`)
  return defectExitCode
}

function complain(message: string): void {
  process.stderr.write(`roberta-ascend: ${message}\n`)
}

process.exitCode = await run(process.argv.slice(2))
