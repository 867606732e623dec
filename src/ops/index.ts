/** Operators as functions on tensors, the catalogue behind them, and what watches them run. */
export type {
  Attributes,
  AttributeValue,
  Backend,
  BatchLayout,
  ElementWriter,
  HostElements,
  HostTensor,
  OperatorCall,
  OperatorInputs,
  TensorSpec,
} from './backend.ts'
export { add } from './catalogue/add.ts'
export { addLayerNorm } from './catalogue/add-layer-norm.ts'
export { attention } from './catalogue/attention.ts'
export { cast } from './catalogue/cast.ts'
export { concat } from './catalogue/concat.ts'
export { contiguous } from './catalogue/contiguous.ts'
export { embedding } from './catalogue/embedding.ts'
export { type GeluForm, gelu } from './catalogue/gelu.ts'
export { indexSelect } from './catalogue/index-select.ts'
export { layerNorm } from './catalogue/layer-norm.ts'
export { linear } from './catalogue/linear.ts'
export { matmul } from './catalogue/matmul.ts'
export { mul } from './catalogue/mul.ts'
export { permute } from './catalogue/permute.ts'
export { reshape } from './catalogue/reshape.ts'
export { scale } from './catalogue/scale.ts'
export { sigmoid } from './catalogue/sigmoid.ts'
export { slice } from './catalogue/slice.ts'
export { softmax } from './catalogue/softmax.ts'
export { tanh } from './catalogue/tanh.ts'
export { type AttributesOf, catalogue, type OperatorName, operatorNames } from './catalogue.ts'
export { tensor, tensorFrom, tensors } from './create.ts'
export {
  currentScope,
  isObserved,
  type ModuleEvent,
  type Observer,
  type OperatorEvent,
  observe,
  scope,
} from './observers.ts'
export type { AttributeSchema, InputSchema, OperatorDefinition } from './operator.ts'
export { runProgram } from './program.ts'
