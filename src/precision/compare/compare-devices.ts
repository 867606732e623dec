/** Opens two devices with one model and compares them. */
import { checkOneDevice } from '../../backends/device-name.ts'
import { choicesAmong, type DeviceOptions, optionsFor } from '../../backends/open.ts'
import { builtInTexts } from '../../bench/workload.ts'
import { InvalidArgumentError } from '../../errors.ts'
import { type LoadOptions, SequenceClassifier } from '../../model/sequence-classifier.ts'
import { eachOnce } from '../../model/warnings.ts'
import type { FloatDType } from '../../tensor/dtype.ts'
import { type CompareOptions, compareSubjects } from './compare.ts'
import type { ComparisonResult } from './result.ts'

export interface CompareDevicesOptions extends Omit<CompareOptions, 'texts'>, DeviceOptions {
  /** The device that is judged; the best there is if not given. */
  readonly device?: string | undefined
  /** The device that it is judged by; `reference` if not given. */
  readonly reference?: string | undefined
  readonly dtype?: FloatDType | undefined
  /** That of `dtype` if not given. */
  readonly referenceDType?: FloatDType | undefined
  /** A directory or the id of a downloaded model; the embedded model if not given. */
  readonly modelPath?: string | undefined
  /** Another model for the reference, made alike: a copy with something changed. That of `modelPath` if not given. */
  readonly referenceModelPath?: string | undefined
  /** The built-in 23 if not given. */
  readonly texts?: readonly string[] | undefined
  readonly onWarning?: LoadOptions['onWarning']
}

/**
 * Compares two devices. Choices that only some devices have (such as `threads` and `cubeMathType`) go to
 * `device`, and to `reference` those that `device` does not have. Throws `InvalidArgumentError` for a
 * senseless option, and what opening a device, loading the model or computing throws; no device stays
 * open.
 */
export async function compareDevices(
  options: CompareDevicesOptions = {},
): Promise<ComparisonResult> {
  const {
    device = 'auto',
    reference = 'reference',
    dtype = 'float32',
    referenceDType = dtype,
    modelPath,
    referenceModelPath = modelPath,
    texts = builtInTexts(),
    onWarning,
    ...comparison
  } = options
  for (const one of [device, reference]) checkOneDevice(one)
  const [own, others] = choicesOf(device, reference, choicesAmong(options))
  const warn = eachOnce(onWarning)
  await using ours = await SequenceClassifier.load({
    modelPath,
    device,
    dtype,
    onWarning: warn,
    ...own,
  })
  await using theirs = await SequenceClassifier.load({
    modelPath: referenceModelPath,
    device: reference,
    dtype: referenceDType,
    onWarning: warn,
    ...others,
  })
  const result = await compareSubjects(ours, theirs, { ...comparison, texts })
  if (referenceModelPath === modelPath) return result
  const settings = { model: theirs.name, ...result.reference.settings }
  return { ...result, reference: { ...result.reference, settings } }
}

function choicesOf(
  device: string,
  reference: string,
  given: DeviceOptions,
): [DeviceOptions, DeviceOptions] {
  const own = optionsFor(device, given)
  const rest = Object.fromEntries(
    Object.entries(given).filter(([name]) => !Object.hasOwn(own, name)),
  ) as DeviceOptions
  const others = optionsFor(reference, rest)
  const lost = Object.keys(rest).find((name) => !Object.hasOwn(others, name))
  if (lost !== undefined) {
    throw new InvalidArgumentError(lost, `means nothing to ${device} or ${reference}`, {
      hint: 'leave it out, or compare a device that has it',
    })
  }
  return [own, others]
}
