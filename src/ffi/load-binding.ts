/**
 * The choice of a binding: koffi, or the one that ROBERTA_ASCEND_FFI names.
 *
 * Both can do the same; a call through ffi-napi takes some ten times longer (`bench/ffi.mjs`), so
 * it is for those who want to compare or already trust it. Add a binding by writing a file in
 * `bindings/` and adding a row to `bindings`; the tests in `test/ffi/binding.test.ts` run over all.
 */
import { InvalidArgumentError } from '../errors.ts'
import type { Binding, BindingName } from './binding.ts'
import { BindingUnavailableError } from './binding.ts'
import { createFfiNapiBinding } from './bindings/ffi-napi.ts'
import { createKoffiBinding } from './bindings/koffi.ts'

const bindings: Readonly<
  Record<BindingName, { readonly create: () => Binding; readonly hint: string }>
> = {
  koffi: {
    create: createKoffiBinding,
    hint: 'reinstall the dependencies with `npm ci` (without --omit=optional: the compiled code of koffi is an optional dependency of it)',
  },
  'ffi-napi': {
    create: createFfiNapiBinding,
    hint: 'it is optional and compiled on installation: install a C++ compiler, make and Python, then run `npm install ffi-napi@npm:@2060.io/ffi-napi ref-napi@npm:@2060.io/ref-napi`; or unset ROBERTA_ASCEND_FFI to use koffi',
  },
}

export const bindingNames = Object.keys(bindings) as readonly BindingName[]

/** The binding chosen by the environment. */
export function chosenBinding(environment: NodeJS.ProcessEnv = process.env): BindingName {
  const value = environment.ROBERTA_ASCEND_FFI || 'koffi'
  const name = bindingNames.find((known) => known === value)
  if (name === undefined) {
    throw new InvalidArgumentError('ROBERTA_ASCEND_FFI', `there is no FFI binding '${value}'`, {
      hint: `choose one of ${bindingNames.join(', ')}`,
    })
  }
  return name
}

/** Loads a binding. Throws BindingUnavailableError where its package is missing or does not run. */
export function loadBinding(name: BindingName = chosenBinding()): Binding {
  const { create, hint } = bindings[name]
  try {
    return create()
  } catch (error) {
    throw new BindingUnavailableError(name, error, hint)
  }
}
