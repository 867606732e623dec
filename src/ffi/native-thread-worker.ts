/** The far side of `native-thread.ts`: makes the calls that it is sent. Runs as a worker thread only. */
import { parentPort, workerData } from 'node:worker_threads'
import { RobertaAscendError } from '../errors.ts'
import type { BindingName, NativeFunction, NativeLibrary } from './binding.ts'
import { loadBinding } from './load-binding.ts'
import { type NativeCall, now } from './native-calls.ts'
import type { Reply, Request, Step } from './native-thread.ts'
import type { Arguments, Signature } from './signature.ts'

const binding = loadBinding((workerData as { readonly binding: BindingName }).binding)
const libraries = new Map<string, NativeLibrary>()
const bound = new Map<string, NativeFunction>()

function resolve({ library, symbol, signature }: Step): NativeFunction {
  const key = `${library} ${symbol} ${signature}`
  const known = bound.get(key)
  if (known !== undefined) return known
  const opened = libraries.get(library) ?? binding.open(library)
  libraries.set(library, opened)
  const fn = opened.find(symbol, signature)
  if (fn === undefined) throw new RobertaAscendError(`there is no ${symbol} in ${library}`)
  bound.set(key, fn)
  return fn
}

/** Makes a call and notes when. The arguments fit the signature: `step` took both from the same function. */
function make(step: Step, calls: NativeCall[]): unknown {
  const fn = resolve(step)
  const begin = now()
  const result = fn(...(step.args as Arguments<Signature>))
  calls.push({ symbol: step.symbol, isBeside: true, begin, end: now() })
  return result
}

parentPort?.on('message', ({ id, steps, onFailure }: Request) => {
  const results: unknown[] = []
  const calls: NativeCall[] = []
  let failure: unknown
  for (const step of steps) {
    const result = make(step, calls)
    results.push(result)
    if (typeof result !== 'number' || result === 0) continue
    failure = onFailure === undefined ? null : make(onFailure, calls)
    break
  }
  const args = steps.map((step) => step.args)
  parentPort?.postMessage({ id, results, failure, args, calls } satisfies Reply)
})
