/**
 * Device strings: a kind (`cpu`), or a kind and which of its devices (`npu:1`, `npu:0,1`, `npu:all`).
 * What kinds there are is in `open.ts`.
 */
import { InvalidArgumentError } from '../errors.ts'

export interface DeviceName {
  readonly kind: string
  /** Undefined where the string has none. */
  readonly numbers: readonly number[] | 'all' | undefined
}

/** Throws `InvalidArgumentError` where a device is named twice. What is no device string is all kind. */
export function parseDevice(device: string): DeviceName {
  const [, kind, given] = /^(\w+):(\d+(?:,\d+)*|all)$/.exec(device) ?? []
  if (kind === undefined || given === undefined) return { kind: device, numbers: undefined }
  if (given === 'all') return { kind, numbers: given }
  const numbers = given.split(',').map(Number)
  const twice = numbers.find((number, at) => numbers.indexOf(number) < at)
  if (twice !== undefined) {
    throw new InvalidArgumentError('device', `'${device}' names number ${twice} twice`)
  }
  return { kind, numbers }
}

/** `npu:1` is of the kind `npu`. */
export function kindOf(device: string): string {
  return device.replace(/:.*/, '')
}

/** Whether the device, or each of several, is the emulator and no NPU. */
export function isEmulator(device: string): boolean {
  return kindOf(device) === 'emulator'
}

/** Several devices of one kind as one string: `npu:0,1`. */
export function joinDevices(devices: readonly string[]): string {
  const [first, ...others] = devices as [string, ...string[]]
  return [first, ...others.map((device) => device.replace(/^.*:/, ''))].join()
}

/** Throws `InvalidArgumentError` for a string of several devices, for who takes only one. */
export function checkOneDevice(device: string): void {
  const { kind, numbers } = parseDevice(device)
  if (numbers === undefined || (numbers !== 'all' && numbers.length === 1)) return
  throw new InvalidArgumentError('device', `'${device}' is several devices, and one is wanted`, {
    hint: `name one of them, for example ${kind}:0`,
  })
}
