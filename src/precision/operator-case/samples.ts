/** Every sample of the catalogue on a device, each with a verdict. */
import type { Backend } from '../../ops/index.ts'
import { UnsupportedOperatorError } from '../../tensor/errors.ts'
import { numel } from '../../tensor/shape.ts'
import { exactResult } from '../exact.ts'
import type { Metrics } from '../metrics.ts'
import type { Standard, Verdict } from '../standards/index.ts'
import { type AnyDefinition, sampleInputs } from './case.ts'
import { runCase } from './run.ts'
import { commandOf, type Settings } from './settings.ts'

export interface SampleResult {
  readonly operator: string
  readonly dtype: string
  /** Its number, which `--sample` takes. */
  readonly sample: number
  readonly name: string
  /** Missing where nothing could be compared; `skipped` then says why. */
  readonly verdict?: Verdict
  readonly metrics?: Metrics
  readonly skipped?: string
  readonly command: string
}

/** Runs the samples of one operator in all dtypes, or in the one of the settings. */
export async function* runSamples(
  definition: AnyDefinition,
  settings: Settings,
  device: Backend,
  reference: Backend,
  standard: Standard,
): AsyncGenerator<SampleResult> {
  const dtypes = definition.dtypes.filter((dtype) =>
    [undefined, dtype].includes(settings.dtype as typeof dtype),
  )
  for (const dtype of dtypes) {
    for (const [sample, one] of definition.samples(dtype).entries()) {
      const { category, name, attributes } = one
      const inputs = sampleInputs(definition, one, settings)
      const result = {
        operator: definition.name,
        dtype,
        sample,
        name: `${category}: ${name}`,
        command: commandOf(definition.name, { ...settings, dtype, sample: String(sample) }),
      }
      const { shape } = exactResult(definition.name, inputs, attributes)
      if (numel(shape) === 0) {
        yield { ...result, skipped: 'the result is empty, so that there is nothing to compare' }
        continue
      }
      try {
        const options = { standard, rounds: 0 }
        const theCase = { definition, inputs, attributes, against: attributes }
        const { verdict, metrics } = await runCase(theCase, device, reference, options)
        yield { ...result, verdict, metrics }
      } catch (error) {
        if (!(error instanceof UnsupportedOperatorError)) throw error
        yield { ...result, skipped: error.message }
      }
    }
  }
}
