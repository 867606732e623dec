/** What goes into a forward and has to be the same on both sides: the batch, and the weights. */

import type { HostTensor } from '../../ops/index.ts'
import { sameShape } from '../../tensor/shape.ts'
import { decodePair } from '../compare-tensors.ts'
import type { Standard } from '../standards/index.ts'
import { defineStandard, identical } from '../standards/standard.ts'
import { judge } from './judge.ts'
import type { CommonPrecision } from './precision.ts'
import { toHost } from './replay.ts'
import type { InputComparison, ParametersComparison } from './result.ts'
import { parametersOf, type Subject } from './subject.ts'
import type { Tape } from './tape.ts'

const identity: Standard = defineStandard('identity', 'every element is the same', identical)

/** The tensors of a batch. One that only one side has is reported as unmatched by the caller. */
export async function compareInputs(device: Tape, reference: Tape): Promise<InputComparison[]> {
  const comparisons: InputComparison[] = []
  for (const [name, tensor] of reference.batch) {
    const own = device.batch.get(name)
    if (own === undefined || !sameShape(own.shape, tensor.shape)) continue
    const [a, b] = [await toHost(own), await toHost(tensor)]
    const { dtype, shape } = b
    comparisons.push({ name, dtype, shape, verdict: compareIdentity(a, b).verdict })
  }
  return comparisons
}

/** All weights, those of the reference and of the device in the common precision. */
export async function compareParameters(
  device: Subject,
  reference: Subject,
  precision: CommonPrecision,
): Promise<ParametersComparison> {
  const different: ParametersComparison['different'][number][] = []
  const own = parametersOf(device)
  const others = parametersOf(reference)
  for (const [name, tensor] of others) {
    const [a, b] = [await toHost(own.get(name)!), await toHost(tensor)].map((side) => ({
      ...side,
      dtype: precision.dtype,
      data: precision.convert(side.data, side.dtype, precision.dtype),
    })) as [HostTensor, HostTensor]
    if (sameBytes(a, b)) continue
    different.push({ name, shape: tensor.shape, judgement: { ...compareIdentity(a, b), batch: 0 } })
  }
  return { compared: others.size, different }
}

function sameBytes(a: HostTensor, b: HostTensor): boolean {
  const [left, right] = [a, b].map(({ data }) =>
    Buffer.from(data.buffer, data.byteOffset, data.byteLength),
  ) as [Buffer, Buffer]
  return left.equals(right)
}

function compareIdentity(a: HostTensor, b: HostTensor) {
  const [actual, expected] = decodePair(a, b)
  const { dtype, shape } = b
  return judge(identity, {
    operator: undefined,
    errorClass: 'movement',
    dtype,
    shape,
    actual,
    expected,
  })
}
