/**
 * One download at a time for a directory: a lock file beside it that names the process which has it.
 * Who comes later waits; a lock whose process has died is taken over.
 */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { disk } from './disk.ts'

/** Milliseconds between looks at a lock that somebody else has. */
const pause = 100

/** Runs `body` while this process has the lock of `directory`. */
export async function withLock<T>(
  directory: string,
  signal: AbortSignal | undefined,
  body: () => Promise<T>,
): Promise<T> {
  const path = `${directory}.lock`
  await disk(path, mkdir(dirname(path), { recursive: true }))
  while (!(await take(path))) {
    signal?.throwIfAborted()
    await sleep(pause)
  }
  try {
    return await body()
  } finally {
    await disk(path, rm(path, { force: true }))
  }
}

async function take(path: string): Promise<boolean> {
  const attempt = writeFile(path, `${process.pid}\n`, { flag: 'wx' })
  if (
    await disk(
      path,
      attempt.then(() => true, unlessThere),
    )
  )
    return true
  const owner = await readFile(path, 'utf8').catch(() => '')
  // A lock without a whole line is being written, or was just given back.
  if (owner.endsWith('\n') && !isRunning(Number(owner))) await disk(path, rm(path, { force: true }))
  return false
}

function unlessThere(error: NodeJS.ErrnoException): false {
  if (error.code === 'EEXIST') return false
  throw error
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    // EPERM: it runs, but belongs to somebody else.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
