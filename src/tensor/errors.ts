/** What can be wrong with the tensors given to an operator. Fields are data; messages are made here. */
import { type ErrorOptions, RobertaAscendError } from '../errors.ts'
import type { DType } from './dtype.ts'

/** The shapes given to an operator do not fit together or do not suit it. */
export class ShapeError extends RobertaAscendError {
  constructor(
    readonly operator: string,
    problem: string,
    options?: ErrorOptions,
  ) {
    super(`${operator}: ${problem}`, options)
  }
}

/** An operator does not take a dtype, or its inputs' dtypes differ where they must not. */
export class DTypeError extends RobertaAscendError {
  constructor(
    readonly operator: string,
    problem: string,
    readonly dtype: DType,
    options?: ErrorOptions,
  ) {
    super(`${operator}: ${problem}`, options)
  }
}

/** An index points outside of the table it is meant for. */
export class IndexOutOfRangeError extends RobertaAscendError {
  constructor(
    readonly operator: string,
    readonly index: number,
    readonly size: number,
    options?: ErrorOptions,
  ) {
    super(`${operator}: index ${index} is outside of 0…${size - 1}`, options)
  }
}

/** The tensors of one call live on different devices. Nothing is ever moved silently. */
export class DeviceMismatchError extends RobertaAscendError {
  constructor(
    readonly operator: string,
    readonly devices: readonly string[],
  ) {
    super(`${operator}: inputs live on different devices (${devices.join(', ')})`, {
      hint: 'move them to one device first',
    })
  }
}

/** A tensor was used after its memory was given back. */
export class DisposedTensorError extends RobertaAscendError {
  constructor(what: string) {
    super(`${what} was disposed already`, {
      hint: 'use it before its scope ends, or keep an alias() of it',
    })
  }
}

/** A device has no kernel for an operator with these dtypes and shapes. */
export class UnsupportedOperatorError extends RobertaAscendError {
  constructor(
    readonly operator: string,
    readonly device: string,
    readonly reason: string,
  ) {
    super(`${operator} on ${device}: ${reason}`)
  }
}
