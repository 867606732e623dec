/**
 * Why an NPU cannot be used, or that it can: everything between Node and a right result, as data.
 *
 * What needs no native code is examined here, the rest in a process of its own. A new check of the
 * machine goes into `host.ts` or `driver.ts`, one that calls CANN into `cann.ts` or `device.ts`.
 */
import { fork } from 'node:child_process'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cannChecks, type Target } from './cann.ts'
import { type Check, problem, skipped } from './check.ts'
import { examineDriver } from './driver.ts'
import type { Message } from './examination.ts'
import { examineEnvironment, examineHost } from './host.ts'

export interface Diagnosis {
  /** `npu`, `npu:1`, `npu:0,1` or `emulator`, as asked for. */
  readonly device: string
  /** Whether what was examined is the emulator, also where CANN's variables lead to it. */
  readonly emulator: boolean
  /** Whether nothing that was examined prevents use. */
  readonly usable: boolean
  readonly checks: readonly Check[]
}

export interface DiagnoseOptions {
  /** Milliseconds after which a step that says nothing is given up; the first use of a device is slow. */
  readonly patience?: number
}

/** Never throws for anything that is wrong with CANN, driver or device: that is what it reports. */
export async function diagnoseNpu(
  target: Target,
  { patience = 120_000 }: DiagnoseOptions = {},
): Promise<Diagnosis> {
  const found = await examineInProcess(target, patience)
  const cann = completed(found)
  const emulator = target.device === 'emulator' || cann.some(({ facts }) => facts.emulator === true)
  const works = cann.every(({ status }) => status === 'ok' || status === 'warning')
  const isInstalled = found.get('cann')?.status === 'ok'
  const around = aroundCann(target, emulator, isInstalled)
  const [binding, ...rest] = cann
  const checks = [
    ...examineHost(),
    binding!,
    ...around.map((check) => (works ? harmless(check) : check)),
    ...rest,
  ]
  const device =
    target.ids === undefined ? target.device : `${target.device}:${target.ids.join(',')}`
  const usable = checks.every(({ status }) => status !== 'problem')
  return { device, emulator, usable, checks }
}

/** What CANN meets around it, and the emulator does not. */
function aroundCann({ device }: Target, emulator: boolean, isInstalled: boolean): Check[] {
  const { env } = process
  const environment = examineEnvironment(env, isInstalled && !emulator)
  if (!emulator) return [...examineDriver({ environment: env }), environment]
  return [
    skipped('driver', 'the emulator needs none'),
    device === 'npu' ? environment : skipped('environment', 'the emulator does not look at it'),
  ]
}

/** Where devices compute, nothing that looks wrong prevents use. */
function harmless(check: Check): Check {
  return check.status === 'problem' ? { ...check, status: 'warning' } : check
}

/** The checks in their order, with those that were not reached as skipped. */
function completed(found: ReadonlyMap<string, Check>): Check[] {
  const missing = cannChecks.filter((name) => !found.has(name))
  return [
    ...cannChecks.flatMap((name) => found.get(name) ?? []),
    ...[...found.values()].filter(({ name }) => !cannChecks.some((known) => known === name)),
    ...missing.map((name) => skipped(name, 'not examined: it needs what has failed before')),
  ]
}

/** Runs `examination.ts` and gathers its checks by name. */
function examineInProcess(target: Target, patience: number): Promise<Map<string, Check>> {
  const checks = new Map<string, Check>()
  let current = cannChecks[0] as string
  let isComplete = false
  let isGivenUp = false
  return new Promise((resolve) => {
    const file = new URL(`./examination${extname(import.meta.url)}`, import.meta.url)
    // CANN may print, and standard output belongs to the result.
    const child = fork(fileURLToPath(file), [JSON.stringify(target)], {
      stdio: ['ignore', 2, 2, 'ipc'],
    })
    const giveUp = () => {
      isGivenUp = true
      child.kill('SIGKILL')
    }
    let timer = setTimeout(giveUp, patience)
    child.on('message', (message: Message) => {
      clearTimeout(timer)
      timer = setTimeout(giveUp, patience)
      if ('begin' in message) current = message.begin
      else if ('check' in message) checks.set(message.check.name, message.check)
      else isComplete = true
    })
    child.on('error', (error) => checks.set(current, died(current, String(error))))
    child.on('close', (code, signal) => {
      clearTimeout(timer)
      const ending = signal === null ? `ended with code ${code}` : `was killed by ${signal}`
      const what = isGivenUp
        ? `no answer within ${patience / 1000} s`
        : `the process that examined it ${ending}`
      // Libraries may also fail after the last word is said; then everything is known.
      if (!isComplete) checks.set(current, died(current, what))
      resolve(checks)
    })
  })
}

function died(name: string, what: string): Check {
  const hint =
    'check that driver, firmware and CANN are of versions that fit together, and `npu-smi info` that the device answers'
  return problem(name, what, hint)
}
