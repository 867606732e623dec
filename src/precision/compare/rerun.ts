/** The command that runs one operator again, alone, on both sides. */
import type { OperatorName } from '../../ops/index.ts'
import type { Setting } from './operator.ts'
import type { Subject } from './subject.ts'

export function rerunCommand(
  operator: OperatorName,
  { shapes, attributes }: Setting,
  device: Subject,
  reference: Subject,
): string {
  const shape = shapes.map((one) => (one === undefined ? '-' : one.join('x') || 'scalar')).join(',')
  const options = Object.entries(attributes).map(
    ([name, value]) => `--${name.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)} ${value}`,
  )
  return [
    `roberta-ascend op ${operator} --shape ${shape} --dtype ${device.dtype}`,
    ...options,
    `--device ${device.backend.device} --reference ${reference.backend.device}`,
  ].join(' ')
}
