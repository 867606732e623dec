/** Runs the built program as a process, the way a user does. */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export const program = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))

export interface Outcome {
  /** The exit code; null if a signal ended it. */
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export function runProgram(
  args: readonly string[],
  options: {
    readonly cwd: string
    readonly input?: string | Buffer
    readonly env?: NodeJS.ProcessEnv
  },
): Promise<Outcome> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [program, ...args], {
      cwd: options.cwd,
      env: { ...process.env, DEBUG: '', ...options.env },
    })
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      stdout += chunk
    })
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      stderr += chunk
    })
    child.on('close', (code) => resolve({ code, stdout, stderr }))
    // A program that refuses its arguments does not read its input.
    child.stdin.on('error', () => {})
    child.stdin.end(options.input ?? '')
  })
}
