/** A · Bᵀ + bias with B packed: what the kernels in WebAssembly and native libraries compute alike. */

/** Addresses of dense operands, but for the packed one, of one dtype; 0 for no bias. */
export interface Product {
  /** A `[rows, inner]`. */
  readonly left: number
  /** B `[columns, inner]`, as packColumns leaves it. */
  readonly packed: number
  /** `[columns]` */
  readonly bias: number
  /** `[rows, columns]` */
  readonly output: number
  readonly rows: number
  readonly columns: number
  readonly inner: number
}
