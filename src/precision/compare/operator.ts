/** One operator call of both sides, cascaded and isolated. */
import type { TokenBatch } from '../../model/token-batch.ts'
import type { Attributes } from '../../ops/index.ts'
import { decodeAll, isFloatDType } from '../../tensor/dtype.ts'
import type { Shape } from '../../tensor/shape.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import type { JudgedClass, Standard } from '../standards/index.ts'
import type { GraftSums } from './graft.ts'
import { judge } from './judge.ts'
import { Padding } from './padding.ts'
import { differingAttributes } from './pairs.ts'
import type { CommonPrecision } from './precision.ts'
import { inputValues, type Player } from './replay.ts'
import type { Judgement, Mode, OperatorComparison } from './result.ts'
import { type Pair, samplePairs } from './sample.ts'
import { layerOf } from './scope.ts'
import type { Call, Tape } from './tape.ts'
import { type Truth, truthOf } from './truth.ts'

export interface OperatorOptions {
  readonly standard: Standard
  readonly precision: CommonPrecision
  readonly modes: readonly Mode[]
}

export type BatchOperator = Omit<OperatorComparison, 'rerun' | 'grafted'> & {
  grafted?: GraftSums
  /** What it takes to run it again. */
  readonly setting: Setting
}

/** The shapes of an operator's inputs, and its attributes on the reference. */
export interface Setting {
  readonly shapes: readonly (Shape | undefined)[]
  readonly attributes: Attributes
}

/** Where a call of the reference was recorded, and who can make it again. */
export interface Recorded {
  readonly tape: Tape
  readonly device: Player
  readonly reference: Player
}

export class OperatorComparer {
  readonly #padding: Padding

  constructor(
    tokens: TokenBatch,
    readonly batch: number,
    readonly options: OperatorOptions,
  ) {
    this.#padding = new Padding(tokens)
  }

  /**
   * Compares `own`, the device's call, with `call`, which is number `depth` in order of execution; adds
   * some of their values to `sample`.
   */
  async compare(
    recorded: Recorded,
    call: Call,
    own: Call,
    { depth, samples, sample }: { depth: number; samples: number; sample: Pair[] },
  ): Promise<BatchOperator> {
    const { modes } = this.options
    const { id, operator, scope, within, definition, output } = call
    const attributes = differingAttributes(own, call)
    // Also where it is not asked for: modules are made of it.
    const [actual, expected] = [await numbers(own.output), await numbers(output)]
    const cascaded = this.#judge(call, 'accumulated', actual, expected, { depth })
    sample.push(...samplePairs(actual, expected, samples))
    const isIsolated = modes.includes('isolated') || modes.includes('grafted')
    return {
      id,
      operator,
      scope,
      layer: layerOf(scope),
      within,
      shape: output.shape,
      dtype: own.output.dtype,
      errorClass: definition.errorClass,
      ...(definition.decompose === undefined
        ? {}
        : { fused: { device: own.isFused, reference: call.isFused } }),
      ...(Object.keys(attributes).length > 0 ? { attributes } : {}),
      setting: { shapes: shapesOf(call, recorded), attributes: call.attributes },
      cascaded,
      ...(isIsolated ? { isolated: await this.#isolated(recorded, call) } : {}),
    }
  }

  async #isolated({ tape, device, reference }: Recorded, call: Call): Promise<Judgement> {
    const values = await inputValues([call], tape)
    const actual = await this.#played(device, call, values)
    // What the reference has recorded is right where rounding its inputs changes nothing.
    const isRight = this.options.precision.holds(reference.subject.dtype)
    const expected = isRight
      ? await numbers(call.output)
      : await this.#played(reference, call, values)
    const { errorClass } = call.definition
    const isLeftOut = this.#padding.rowTest(call.output.shape)
    // What only moves elements is exact already.
    const truth =
      errorClass === 'movement'
        ? undefined
        : await truthOf(call, tape, reference, { actual, expected }, isLeftOut)
    return this.#judge(call, errorClass, actual, expected, truth === undefined ? {} : { truth })
  }

  async #played(
    player: Player,
    call: Call,
    values: Awaited<ReturnType<typeof inputValues>>,
  ): Promise<Float64Array> {
    using output = player.play([call], values)
    return numbers(output)
  }

  #judge(
    { operator, output: { dtype, shape } }: Call,
    errorClass: JudgedClass,
    actual: Float64Array,
    expected: Float64Array,
    more: { readonly truth?: Truth; readonly depth?: number },
  ): Judgement {
    const { standard, precision } = this.options
    const elements = {
      operator,
      errorClass,
      dtype: isFloatDType(dtype) ? precision.dtype : dtype,
      shape,
      actual,
      expected,
      ...more,
    }
    return { ...judge(standard, elements, this.#padding), batch: this.batch }
  }
}

function shapesOf(
  { inputs }: Call,
  { tape, reference: { parameters } }: Recorded,
): (Shape | undefined)[] {
  return inputs.map((source) => {
    if (source === undefined) return undefined
    return source.kind === 'parameter'
      ? parameters.get(source.name)!.shape
      : tape.tensorOf(source).shape
  })
}

async function numbers(tensor: Tensor): Promise<Float64Array> {
  return decodeAll(tensor.dtype, await tensor.data())
}
