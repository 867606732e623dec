/**
 * The one point through which every operator passes: validation, allocation, observers, lifetime.
 *
 * A kernel can rely on what is checked here: dtypes and attributes are as the schema says, shapes fit,
 * all tensors are alive and on one device, and the output has the inferred shape.
 */
import { InvalidArgumentError } from '../errors.ts'
import {
  DeviceMismatchError,
  DTypeError,
  ShapeError,
  UnsupportedOperatorError,
} from '../tensor/errors.ts'
import { arena, Tensor } from '../tensor/tensor.ts'
import type { Attributes, AttributeValue, Backend, OperatorInputs, TensorSpec } from './backend.ts'
import type { OperatorName } from './catalogue.ts'
import { emptyTensor } from './create.ts'
import { currentScope, looksInside, notify } from './observers.ts'
import type { AttributeSchema, InputSchema, OperatorDefinition } from './operator.ts'

/** What a caller may leave out: attributes with a default. */
export type GivenAttributes = Readonly<Record<string, AttributeValue | undefined>>

let composite: OperatorName | undefined

/** Runs one operator and returns its output at once; the device may still be working on it. */
export function dispatch<A extends Attributes>(
  definition: OperatorDefinition<A, OperatorName>,
  inputs: OperatorInputs<Tensor>,
  given: GivenAttributes = {},
): Tensor {
  const attributes = completeAttributes(definition, given) as A
  checkInputs(definition, inputs)
  const backend = backendOf(definition.name, inputs)
  const spec = definition.infer(inputs, attributes)
  const output = run(definition, backend, inputs, attributes, spec)
  try {
    notify(backend, (observer) =>
      observer.operator?.({
        operator: definition.name,
        scope: currentScope(),
        within: composite,
        inputs,
        attributes,
        output,
      }),
    )
  } catch (error) {
    output.dispose()
    throw error
  }
  return output
}

function run<A extends Attributes>(
  definition: OperatorDefinition<A, OperatorName>,
  backend: Backend,
  inputs: OperatorInputs<Tensor>,
  attributes: A,
  spec: TensorSpec,
): Tensor {
  const { name } = definition
  if (definition.view !== undefined) {
    const input = inputs[0]!
    const { shape, strides, offset } = definition.view(input, attributes)
    return new Tensor(input.storage, input.dtype, shape, strides, offset)
  }
  const supported = backend.supports(name, inputs, attributes)
  const { decompose } = definition
  if (decompose !== undefined && (supported !== true || looksInside(backend))) {
    const outer = composite
    composite = name
    try {
      return arena(() => decompose(inputs, attributes))
    } finally {
      composite = outer
    }
  }
  if (supported !== true) throw new UnsupportedOperatorError(name, backend.device, supported)
  const output = emptyTensor(backend, spec)
  try {
    if (output.size > 0) backend.execute({ operator: name, inputs, attributes, output })
  } catch (error) {
    output.dispose()
    throw error
  }
  return output
}

function backendOf(operator: string, inputs: OperatorInputs<Tensor>): Backend {
  const present = inputs.filter((tensor) => tensor !== undefined)
  // `storage` refuses a disposed tensor. Its owner is the backend: only backends make storage.
  const owners = new Set(present.map((tensor) => tensor.storage.owner))
  if (owners.size > 1) {
    throw new DeviceMismatchError(
      operator,
      [...owners].map((owner) => owner.device),
    )
  }
  return [...owners][0] as Backend
}

function checkInputs(definition: OperatorDefinition, inputs: OperatorInputs<TensorSpec>): void {
  const { name: operator } = definition
  const variadic = definition.inputs[0]?.variadic === true
  if (variadic ? inputs.length === 0 : inputs.length > definition.inputs.length) {
    throw new ShapeError(
      operator,
      variadic ? 'needs at least one tensor' : `takes ${definition.inputs.length} inputs at most`,
    )
  }
  const schemaOf = (position: number): InputSchema =>
    definition.inputs[variadic ? 0 : position] as InputSchema
  const count = Math.max(inputs.length, variadic ? 0 : definition.inputs.length)
  let shared: { name: string; spec: TensorSpec } | undefined
  for (let position = 0; position < count; position++) {
    const schema = schemaOf(position)
    const spec = inputs[position]
    if (spec === undefined) {
      if (schema.optional === true) continue
      throw new InvalidArgumentError(`${operator}: ${schema.name}`, 'is missing')
    }
    if (!schema.dtypes.includes(spec.dtype)) {
      throw new DTypeError(
        operator,
        `${schema.name} is ${spec.dtype}, which is not one of ${schema.dtypes.join(', ')}`,
        spec.dtype,
        { hint: 'cast it first' },
      )
    }
    if (definition.sameDType !== undefined && !definition.sameDType.includes(schema.name)) continue
    if (shared !== undefined && shared.spec.dtype !== spec.dtype) {
      throw new DTypeError(
        operator,
        `${shared.name} is ${shared.spec.dtype} but ${schema.name} is ${spec.dtype}`,
        spec.dtype,
        { hint: 'cast one of them first' },
      )
    }
    shared ??= { name: schema.name, spec }
  }
}

function completeAttributes(definition: OperatorDefinition, given: GivenAttributes): Attributes {
  const result: Record<string, AttributeValue> = {}
  for (const name of Object.keys(given)) {
    if (!Object.hasOwn(definition.attributes, name)) {
      throw new InvalidArgumentError(`${definition.name}: ${name}`, 'is not an attribute', {
        hint: `it has ${Object.keys(definition.attributes).join(', ') || 'none'}`,
      })
    }
  }
  for (const [name, schema] of Object.entries(definition.attributes)) {
    const value = given[name] ?? schema.default
    if (value === undefined) {
      throw new InvalidArgumentError(`${definition.name}: ${name}`, 'is missing')
    }
    if (!isValid(schema, value)) {
      throw new InvalidArgumentError(
        `${definition.name}: ${name}`,
        `${JSON.stringify(value)} is not ${expectation(schema)}`,
      )
    }
    result[name] = value
  }
  return result
}

function isValid(schema: AttributeSchema, value: AttributeValue): boolean {
  switch (schema.type) {
    case 'number':
      return typeof value === 'number'
    case 'integer':
      return Number.isSafeInteger(value)
    case 'integers':
      return Array.isArray(value) && value.every(Number.isSafeInteger)
    case 'choice':
      return typeof value === 'string' && schema.choices?.includes(value) === true
  }
}

function expectation(schema: AttributeSchema): string {
  switch (schema.type) {
    case 'number':
      return 'a number'
    case 'integer':
      return 'an integer'
    case 'integers':
      return 'a list of integers'
    case 'choice':
      return `one of ${schema.choices?.join(', ')}`
  }
}
