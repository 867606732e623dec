/** Options that several commands share, and how their values are read. */
import { Option, InvalidArgumentError as UsageError } from 'commander'
import { alternatives, cubeMathTypes } from '../backends/npu/constants.ts'
import {
  availableDevices,
  choicesAmong,
  type DeviceOptions,
  defaultDevice,
} from '../backends/open.ts'
import { defaultBatchSize } from '../model/classify.ts'
import { floatDTypes } from '../tensor/dtype.ts'

export function modelOption(): Option {
  return new Option(
    '--model <DIR|HUB_ID>',
    'a model directory, or the id of a downloaded model (default: the embedded tiny RoBERTa)',
  )
}

export function deviceOption(more = ''): Option {
  return new Option(
    '--device <DEVICE>',
    `where to compute: ${availableDevices.join(', ')} or auto${more}`,
  ).default(defaultDevice)
}

/** Of commands whose batches several devices can share. */
export function devicesOption(): Option {
  return deviceOption('; npu:0,1 or npu:all share the batches')
}

/** Choices that only some devices have; see `DeviceOptions`. */
export function choicesOfDevices(): readonly Option[] {
  return [
    new Option(
      '--threads <COUNT>',
      'threads of device cpu (default: the cores that it may use)',
    ).argParser(positiveInteger),
    new Option(
      '--cube-math-type <TYPE>',
      'how an NPU multiplies float32 matrices (default: keep)',
    ).choices(Object.keys(cubeMathTypes)),
    new Option(
      '--aclnn <FUNCTION>',
      `a function to use on an NPU instead of the usual one: ${alternatives.join(', ')}; may be given several times`,
    ).argParser(collect),
  ]
}

/** The same, of commands that run batches with nobody looking inside. */
export function choicesOfForwards(): readonly Option[] {
  return [
    new Option('--no-plans', 'on an NPU, enqueue every forward anew instead of replaying it'),
    new Option('--no-graphs', 'on an NPU, replay a forward operator by operator, not as a graph'),
    new Option('--no-overlap', 'on the CPU or an NPU, run one batch at a time, not two'),
  ]
}

export function dtypeOption(): Option {
  return new Option('--dtype <DTYPE>', 'what weights and activations are stored in')
    .choices(floatDTypes)
    .default('float32')
}

/** What was given for choices of devices. A `--no-…` that was not given reads `true`, which is no choice. */
export function choicesIn(options: DeviceOptions): DeviceOptions {
  const made = Object.entries(choicesAmong(options)).filter(([, value]) => value !== true)
  return Object.fromEntries(made)
}

export function batchSizeOption(): Option {
  return new Option('--batch-size <COUNT>', 'texts that run together')
    .argParser(positiveInteger)
    .default(defaultBatchSize)
}

export function maxLengthOption(): Option {
  return new Option(
    '--max-length <TOKENS>',
    'cut texts to so many tokens (default: the model’s limit)',
  ).argParser(positiveInteger)
}

/** A whole number of 1 or more. */
export function positiveInteger(text: string): number {
  return integerFrom(1, text)
}

/** A whole number of 0 or more. */
export function wholeNumber(text: string): number {
  return integerFrom(0, text)
}

function integerFrom(least: number, text: string): number {
  const value = Number(text)
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value < least) {
    throw new UsageError(`must be a whole number from ${least} to ${Number.MAX_SAFE_INTEGER}.`)
  }
  return value
}

/** A number from 0 to 1. */
export function fraction(text: string): number {
  const value = Number(text)
  if (!/^(\d+\.?\d*|\.\d+)(e-?\d+)?$/i.test(text) || value > 1) {
    throw new UsageError('must be a number from 0 to 1.')
  }
  return value
}

/** Collects an option that may be given several times. */
export function collect(text: string, list: readonly string[] = []): string[] {
  return [...list, text]
}
