/** How many threads are worth having: the cores that this process may use, within its cgroup's quota. */
import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'

/** Reads a file of the cgroup file system; undefined where there is none. */
export type ReadText = (path: string) => string | undefined

const readText: ReadText = (path) => {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch {
    return undefined
  }
}

/**
 * Cores' worth of time that a cgroup grants, as a container sees its own: `cpu.max` of version 2
 * ("quota period", or "max period"), `cpu.cfs_quota_us` of version 1 (−1 for no limit).
 * https://docs.kernel.org/admin-guide/cgroup-v2.html#cpu-interface-files
 */
export function cgroupCores(read: ReadText = readText): number {
  const root = '/sys/fs/cgroup'
  const [quota, period] =
    read(`${root}/cpu.max`)?.split(' ') ??
    ['cfs_quota_us', 'cfs_period_us'].map((name) => read(`${root}/cpu/cpu.${name}`))
  const cores = Number(quota) / Number(period)
  return cores > 0 ? cores : Infinity
}

/** At least 1. A part of a core counts as one. */
export function availableThreads(read: ReadText = readText): number {
  return Math.max(1, Math.min(availableParallelism(), Math.ceil(cgroupCores(read))))
}
