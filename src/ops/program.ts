/**
 * Forwards that a device may record and replay.
 *
 * A program is anything that a forward belongs to, such as a model. What its forward enqueues depends
 * on nothing but the dtypes and shapes of the inputs; the inputs' elements are read by operators alone.
 */
import { arena, Tensor } from '../tensor/tensor.ts'
import type { Backend, HostTensor } from './backend.ts'
import { checkElements, tensorOver, tensors } from './create.ts'
import { isObserved } from './observers.ts'

/**
 * `forward` of `inputs` on the device; all other tensors made in it are disposed of. Where somebody
 * observes, every operator passes through `dispatch`, whatever was recorded.
 */
export function runProgram(
  backend: Backend,
  program: object,
  inputs: readonly HostTensor[],
  forward: (inputs: readonly Tensor[]) => Tensor,
): Tensor {
  return arena(() => {
    if (backend.replay === undefined || isObserved(backend))
      return forward(tensors(backend, inputs))
    checkElements(inputs)
    const output = backend.replay(program, inputs, (slots) =>
      forward(slots.map((slot, at) => tensorOver(backend, inputs[at]!, slot))),
    )
    if (output instanceof Tensor) return output
    const { storage, dtype, shape, strides, offset } = output
    return new Tensor(storage, dtype, shape, strides, offset)
  })
}
