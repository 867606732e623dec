/** The functions that the emulator has beyond the ABI (kernels/emulator/include/ascend_emulator.h). */
import { join } from 'node:path'
import type { NativeFunction } from '../../src/ffi/binding.ts'
import { loadBinding } from '../../src/ffi/load-binding.ts'
import type { Signature } from '../../src/ffi/signature.ts'

export interface EmulatorReport {
  readonly violations: readonly { readonly kind: string; readonly function: string }[]
  readonly calls: Readonly<Record<string, number>>
  readonly live: Readonly<Record<string, number>>
}

export function emulatorControls(root: string) {
  const library = loadBinding('koffi').open(join(root, 'lib64/libascendcl.so'))
  function bind<S extends Signature>(symbol: string, signature: S): NativeFunction<S> {
    const found = library.find(symbol, signature)
    if (found === undefined) throw new Error(`the emulator has no ${symbol}`)
    return found
  }
  const write = bind('ascendEmulatorReport', 'uint64 (buffer: memory, size: uint64)')
  return {
    /** Forgets counts and violations. */
    reset: bind('ascendEmulatorReset', 'void ()'),
    /** 1: no stream starts a task until 0 is given. */
    hold: bind('ascendEmulatorHold', 'void (hold: int32)'),
    /** The work of the n-th call from now on fails on the device. */
    faultCall: bind('ascendEmulatorFaultCall', 'void (name: string, n: uint64, code: int32)'),
    /** The n-th call from now on fails. */
    failCall: bind('ascendEmulatorFailCall', 'void (name: string, n: uint64, code: int32)'),
    /** Calls of a function, `aclnnAdd`, or those on one device, `aclnnAdd@1`, since the last reset. */
    callCount: bind('ascendEmulatorCallCount', 'uint64 (name: string)'),
    /** Bytes of memory that each device has, from now on. */
    limitMemory: bind('ascendEmulatorLimitMemory', 'void (bytes: uint64)'),
    /** How many devices there are, while none is set. */
    setDeviceCount: bind('ascendEmulatorSetDeviceCount', 'void (count: uint32)'),
    report(): EmulatorReport {
      const text = Buffer.alloc(Number(write(null, 0n)) + 1)
      write(text, BigInt(text.length))
      return JSON.parse(text.toString('utf8', 0, text.indexOf(0)))
    },
  }
}
