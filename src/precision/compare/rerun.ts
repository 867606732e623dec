/** The command that runs one operator again, alone, on both sides. */
import type { AttributeValue } from '../../ops/index.ts'
import { commandOf, optionOf } from '../operator-case/settings.ts'
import type { BatchOperator } from './operator.ts'
import type { Subject } from './subject.ts'

/** The settings of devices that are options of the command. */
const choices: Readonly<Record<string, string>> = {
  cubeMathType: 'cube-math-type',
  aclnn: 'aclnn',
}

/**
 * With the inputs that were saved, or else generated ones of the same shapes. An attribute that the sides have different values of has
 * the device's on the device, and the reference's on the reference.
 */
export function rerunCommand(
  {
    operator,
    attributes: differing = {},
    setting: { shapes, attributes, saved },
  }: Pick<BatchOperator, 'operator' | 'attributes' | 'setting'>,
  device: Subject,
  reference: Subject,
): string {
  const shape = shapes.map((one) => (one === undefined ? '-' : one.join('x') || 'scalar')).join(',')
  const given: Record<string, string | string[]> = {}
  const against: string[] = []
  for (const [name, value] of Object.entries(attributes)) {
    const own = differing[name]?.device ?? value
    given[optionOf(name)] = written(own)
    if (differing[name] !== undefined) against.push(`${name}=${written(value)}`)
  }
  for (const [name, option] of Object.entries(choices)) {
    const value = device.backend.settings[name]
    if (value !== undefined && value !== 'keep') given[option] = value.split(' ')
  }
  return commandOf(operator, {
    device: device.backend.device,
    reference: reference.backend.device,
    dtype: device.dtype,
    ...(saved === undefined ? { shape } : { input: saved }),
    ...given,
    ...(against.length === 0 ? {} : { against }),
  })
}

function written(value: AttributeValue): string {
  return Array.isArray(value) ? value.join('x') : String(value)
}
