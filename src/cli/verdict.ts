/** How commands that judge end: with their result on standard output and the exit code of its verdict. */
import { toJson } from '../precision/json.ts'
import type { Verdict } from '../precision/standards/index.ts'
import { Exit } from './exit.ts'
import { Sink } from './output/sink.ts'
import { type TerminalLook, terminalLook } from './output/terminal.ts'
import { packageInfo } from './package-info.ts'

const failedExitCode = 1

/** Writes the result as JSON, or as the table that `render` makes of it. */
export async function printResult(
  result: object,
  { format }: { readonly format: 'table' | 'json' },
  render: (look: TerminalLook) => string,
): Promise<void> {
  const text =
    format === 'json'
      ? toJson({ version: packageInfo().version, ...result })
      : render(terminalLook(process.stdout, process.env))
  await new Sink(process.stdout).write(text)
}

export function exitBy({ status }: Verdict): void {
  if (status === 'error') throw new Exit(failedExitCode)
}
