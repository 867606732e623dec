/**
 * One download at a time for a directory: a lock file beside it that names the process which has it.
 * Who comes second is refused; a lock whose process has died is taken over.
 */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { disk } from './disk.ts'
import { HubError } from './error.ts'

/**
 * Runs `body` while this process has the lock of `directory`.
 *
 * @throws HubError 'directory-in-use' if another download has it
 */
export async function withLock<T>(directory: string, body: () => Promise<T>): Promise<T> {
  const path = `${directory}.lock`
  await disk(path, mkdir(dirname(path), { recursive: true }))
  if (!(await create(path))) {
    const owner = await readFile(path, 'utf8').catch(() => '')
    const isLeft = /^\d+\n$/.test(owner) && !isRunning(Number(owner))
    if (isLeft) await disk(path, rm(path, { force: true }))
    if (!isLeft || !(await create(path))) {
      throw new HubError('directory-in-use', directory, 'another download fills it now', {
        hint: `wait for that; if there is none, remove ${path}`,
      })
    }
  }
  try {
    return await body()
  } finally {
    await disk(path, rm(path, { force: true }))
  }
}

/** False if there is a lock already. */
async function create(path: string): Promise<boolean> {
  const attempt = writeFile(path, `${process.pid}\n`, { flag: 'wx' })
  return disk(
    path,
    attempt.then(
      () => true,
      (error: NodeJS.ErrnoException) => {
        if (error.code === 'EEXIST') return false
        throw error
      },
    ),
  )
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    // EPERM: it runs, but belongs to somebody else.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
