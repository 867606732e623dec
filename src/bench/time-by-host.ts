/**
 * Operators timed by the host, for devices without a clock of their own.
 *
 * Each call of one forward is kept and then made again by itself, with a wait for the device after it.
 * That perturbs: nothing overlaps, and each call pays for its wait.
 */
import { dispatch } from '../ops/dispatch.ts'
import type { Attributes } from '../ops/index.ts'
import type { Tensor } from '../tensor/tensor.ts'
import type { Encoding } from '../tokenizer/tokenizer.ts'
import {
  type AnyDefinition,
  type Call,
  type CallTimes,
  type Profiled,
  secondsOf,
  watchForward,
} from './watch-forward.ts'

/** A call with handles of its own on its inputs. */
interface RecordedCall extends Call {
  readonly definition: AnyDefinition
  readonly inputs: readonly (Tensor | undefined)[]
  readonly attributes: Attributes
}

export async function timeByHost(
  classifier: Profiled,
  encodings: readonly Encoding[],
  rounds: number,
): Promise<CallTimes> {
  const { backend } = classifier
  const calls: RecordedCall[] = []
  try {
    await watchForward(classifier, encodings, (call, definition, { inputs, attributes }) => {
      calls.push({ ...call, definition, inputs: inputs.map((one) => one?.alias()), attributes })
    })
    const seconds: number[][] = []
    const empty: number[] = []
    for (let round = 0; round <= rounds; round++) {
      await backend.synchronize()
      const wait = await secondsOf(() => backend.synchronize())
      const times: number[] = []
      for (const call of calls) times.push(await secondsOf(() => repeat(call)))
      if (round === 0) continue
      seconds.push(times)
      empty.push(wait)
    }
    return { calls, seconds, empty }
  } finally {
    for (const { inputs } of calls) for (const input of inputs) input?.dispose()
  }

  async function repeat({ definition, inputs, attributes }: RecordedCall): Promise<void> {
    using _output = dispatch(definition, inputs, attributes)
    await backend.synchronize()
  }
}
