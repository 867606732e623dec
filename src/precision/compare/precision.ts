/**
 * Two sides whose dtypes may differ. Their results are judged in the coarser dtype; and operators alone
 * get inputs and weights that both dtypes hold exactly, so that what is seen is the operator's own
 * error and not the rounding of what goes in.
 */
import { cast } from '../../ops/index.ts'
import {
  type DType,
  decodeAll,
  encodeAll,
  type FloatDType,
  finfo,
  type HostArray,
  isFloatDType,
} from '../../tensor/dtype.ts'
import type { Tensor } from '../../tensor/tensor.ts'

export class CommonPrecision {
  /** The dtype in which results are judged. */
  readonly dtype: FloatDType
  /**
   * The dtypes through which numbers are rounded, one after the other. What bfloat16 holds float16 holds
   * too, but for its range, so it comes first.
   */
  readonly #chain: readonly FloatDType[]

  /** Whether both sides have one dtype. */
  readonly isShared: boolean

  constructor(a: FloatDType, b: FloatDType) {
    this.isShared = a === b
    this.dtype = finfo[a].eps >= finfo[b].eps ? a : b
    this.#chain = (['bfloat16', 'float16'] as const).filter((dtype) => dtype === a || dtype === b)
  }

  /** Whether every number of `dtype` is one of both. */
  holds(dtype: DType): boolean {
    return !isFloatDType(dtype) || this.#chain.every((other) => other === dtype)
  }

  /** Elements as elements of `to`, rounded so that both dtypes hold them. Integers stay as they are. */
  convert(data: HostArray, from: DType, to: DType): HostArray {
    if (!isFloatDType(from) || (from === to && this.holds(from))) return data
    let values = decodeAll(from, data)
    for (const dtype of this.#chain) values = decodeAll(dtype, encodeAll(dtype, values))
    return encodeAll(to, values)
  }

  /** The same on the device of `tensor`, whose dtype stays. */
  round(tensor: Tensor): Tensor {
    const { dtype } = tensor
    if (!isFloatDType(dtype)) return tensor
    return this.#chain
      .filter((other) => other !== dtype)
      .reduce((rounded, other) => cast(cast(rounded, other), dtype), tensor)
  }
}
