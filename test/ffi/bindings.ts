/** The bindings that the tests run over, with the reason where one cannot run here. */
import type { Binding, BindingName } from '../../src/ffi/binding.ts'
import { BindingUnavailableError } from '../../src/ffi/binding.ts'
import { bindingNames, loadBinding } from '../../src/ffi/load-binding.ts'
import { noCompiler } from './compile.ts'

export interface BindingUnderTest {
  readonly name: BindingName
  /** Undefined where the tests have to be skipped, and then `skip` says why. */
  readonly binding: Binding | undefined
  readonly skip: string | undefined
}

export const bindingsUnderTest: readonly BindingUnderTest[] = bindingNames.map((name) => {
  try {
    return { name, binding: loadBinding(name), skip: noCompiler }
  } catch (error) {
    // koffi is a dependency that has to be there; ffi-napi is optional.
    if (name === 'koffi' || !(error instanceof BindingUnavailableError)) throw error
    return { name, binding: undefined, skip: error.problem }
  }
})
