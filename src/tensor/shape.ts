/**
 * Shape and stride arithmetic on plain arrays of numbers. Nothing here knows of tensors or devices.
 *
 * Strides count elements. A shape with a zero in it is empty; a shape `[]` is a scalar.
 */

export type Shape = readonly number[]
export type Strides = readonly number[]

/** Number of elements; 1 for a scalar. */
export function numel(shape: Shape): number {
  return shape.reduce((product, size) => product * size, 1)
}

/** `[2, 3]`, the way shapes are printed everywhere. */
export function formatShape(shape: Shape): string {
  return `[${shape.join(', ')}]`
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((size, axis) => size === b[axis])
}

/** Row-major strides. */
export function contiguousStrides(shape: Shape): number[] {
  const strides = new Array<number>(shape.length)
  let stride = 1
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = stride
    stride *= shape[axis]!
  }
  return strides
}

/** True if walking the view in row-major order visits storage one element after the other. */
export function isContiguous(shape: Shape, strides: Strides): boolean {
  if (numel(shape) === 0) return true
  let expected = 1
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis] === 1) continue
    if (strides[axis] !== expected) return false
    expected *= shape[axis]!
  }
  return true
}

/** The shape two shapes broadcast to under NumPy's rules, or undefined where they do not. */
export function broadcastShapes(a: Shape, b: Shape): number[] | undefined {
  const rank = Math.max(a.length, b.length)
  const result = new Array<number>(rank)
  for (let i = 1; i <= rank; i++) {
    const x = a[a.length - i] ?? 1
    const y = b[b.length - i] ?? 1
    if (x !== y && x !== 1 && y !== 1) return undefined
    result[rank - i] = x === 1 ? y : x
  }
  return result
}

/** Strides that read a view of `shape` as if it had the larger shape `target` (stride 0 repeats). */
export function broadcastStrides(shape: Shape, strides: Strides, target: Shape): number[] {
  const lead = target.length - shape.length
  return target.map((size, axis) =>
    axis < lead || (shape[axis - lead] === 1 && size !== 1) ? 0 : strides[axis - lead]!,
  )
}

/**
 * Strides under which the same elements, in the same order, have the shape `to`; undefined where no
 * view can do it and the elements have to be copied. Sizes must agree.
 */
export function reshapeStrides(from: Shape, strides: Strides, to: Shape): number[] | undefined {
  if (numel(from) === 0) return contiguousStrides(to)
  // Axes of size 1 have no say; runs of axes that lie one after the other in storage act as one.
  const runs: { size: number; stride: number }[] = []
  from.forEach((size, axis) => {
    if (size === 1) return
    const last = runs.at(-1)
    if (last !== undefined && last.stride === strides[axis]! * size) {
      last.size *= size
      last.stride = strides[axis]!
    } else {
      runs.push({ size, stride: strides[axis]! })
    }
  })
  const result = new Array<number>(to.length)
  let run = runs.pop()
  let used = 1
  for (let axis = to.length - 1; axis >= 0; axis--) {
    const size = to[axis]!
    if (size === 1) {
      result[axis] = 1
      continue
    }
    if (run !== undefined && used === run.size) {
      run = runs.pop()
      used = 1
    }
    if (run === undefined || run.size % (used * size) !== 0) return undefined
    result[axis] = run.stride * used
    used *= size
  }
  return result
}

/** The first and last element of storage that a view touches; undefined for an empty one. */
export function extent(
  shape: Shape,
  strides: Strides,
  offset: number,
): { first: number; last: number } | undefined {
  if (numel(shape) === 0) return undefined
  let first = offset
  let last = offset
  shape.forEach((size, axis) => {
    const reach = (size - 1) * strides[axis]!
    if (reach < 0) first += reach
    else last += reach
  })
  return { first, last }
}

/**
 * Calls `visit` with the storage position of every element, in row-major order. Positions step
 * along the last axis in the inner loop, so that walking costs little more than a plain loop.
 */
export function forEachPosition(
  shape: Shape,
  strides: Strides,
  offset: number,
  visit: (position: number, index: number) => void,
): void {
  const count = numel(shape)
  if (count === 0) return
  const rank = shape.length
  const inner = rank === 0 ? 1 : shape[rank - 1]!
  const step = rank === 0 ? 0 : strides[rank - 1]!
  const counter = new Array<number>(Math.max(rank - 1, 0)).fill(0)
  let row = offset
  for (let index = 0; index < count; ) {
    for (let i = 0, position = row; i < inner; i++, position += step) visit(position, index++)
    for (let axis = rank - 2; axis >= 0; axis--) {
      row += strides[axis]!
      if (++counter[axis]! < shape[axis]!) break
      row -= strides[axis]! * shape[axis]!
      counter[axis] = 0
    }
  }
}

/** The index along each axis of an element, by its position in row-major order. */
export function indexAt(shape: Shape, position: number): number[] {
  return contiguousStrides(shape).map((stride, axis) =>
    shape[axis] === 0 ? 0 : Math.floor(position / stride) % shape[axis]!,
  )
}
