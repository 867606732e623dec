/** A strided copy as the copy kernels take it: four axes at most, the last as long as possible. */
import type { Shape, Strides } from '../../../tensor/shape.ts'
import { numel } from '../../../tensor/shape.ts'

type Four = readonly [number, number, number, number]

export interface FourAxes {
  readonly sizes: Four
  readonly from: Four
  readonly to: Four
  readonly fromOffset: number
  readonly toOffset: number
}

interface Axis {
  readonly size: number
  readonly from: number
  readonly to: number
}

/** The longest row, so that threads can share a copy that is one run of elements. */
const longestRow = 16384

/** The copies that together do it: one for each index of the axes beyond four. */
export function copyAxes(shape: Shape, from: Strides, to: Strides): FourAxes[] {
  if (numel(shape) === 0) return []
  const merged: Axis[] = []
  shape.forEach((size, i) => {
    if (size === 1) return
    const axis = { size, from: from[i]!, to: to[i]! }
    const last = merged.at(-1)
    if (last?.from === axis.from * size && last.to === axis.to * size) {
      merged[merged.length - 1] = { ...axis, size: last.size * size }
    } else merged.push(axis)
  })
  const axes = splitRow(merged)
  const inner = axes.slice(-4)
  while (inner.length < 4) inner.unshift({ size: 1, from: 0, to: 0 })
  const four = (part: keyof Axis): Four =>
    inner.map((axis) => axis[part]) as [number, number, number, number]
  const copies: FourAxes[] = []
  const outer = axes.slice(0, -4)
  const walk = (axis: number, fromOffset: number, toOffset: number): void => {
    if (axis === outer.length) {
      copies.push({ sizes: four('size'), from: four('from'), to: four('to'), fromOffset, toOffset })
      return
    }
    const { size, from: fromStep, to: toStep } = outer[axis]!
    for (let i = 0; i < size; i++) walk(axis + 1, fromOffset + i * fromStep, toOffset + i * toStep)
  }
  walk(0, 0, 0)
  return copies
}

/** Halves the last axis until it is short, as long as it can be halved. */
function splitRow(axes: readonly Axis[]): Axis[] {
  const last = axes.at(-1)
  if (last === undefined) return []
  let size = last.size
  while (size > longestRow && size % 2 === 0) size /= 2
  if (size === last.size) return [...axes]
  const outer = { size: last.size / size, from: last.from * size, to: last.to * size }
  return [...axes.slice(0, -1), outer, { ...last, size }]
}
