/** The error table against the headers, and what the checked call makes of return codes. */
import { describe, expect, it } from 'vitest'
import { AscendError, createCheckedCall } from '../../src/ffi/ascend-error.ts'
import { describeCode, errorCodes } from '../../src/ffi/error-codes.ts'
import abi from '../fixtures/cann-abi.json' with { type: 'json' }
import { bindingsUnderTest } from './bindings.ts'
import { compileEcho, temporaryFolder } from './compile.ts'

describe('the error table', () => {
  it('has the codes and names of the headers', () => {
    const table = Object.entries(errorCodes).map(([code, [name]]) => [name, Number(code)])
    expect(Object.fromEntries(table)).toEqual(abi.error_codes)
  })

  it('describes codes without a row by their family', () => {
    expect(describeCode(107_999).meaning).toBe('mistake of the caller or the environment')
    expect(describeCode(207_999).meaning).toBe(
      'shortage of a resource, or not supported by the hardware',
    )
    expect(describeCode(507_999)).toMatchObject({ name: undefined, kind: 'device' })
    expect(describeCode(-1).meaning).toBe('unknown code')
    expect(describeCode(1).meaning).toBe('unknown code')
  })

  it('blames the environment for what only an installation can mend', () => {
    const blamed = Object.keys(errorCodes).filter(
      (code) => describeCode(Number(code)).kind === 'environment',
    )
    expect(blamed.map(Number)).toEqual([
      100039, 107001, 148049, 207004, 207006, 507008, 507033, 561003, 561107, 561108, 561112,
      561113,
    ])
  })
})

describe.each(bindingsUnderTest)('the checked call over $name', ({ binding, skip }) => {
  it('names function, operator, code, meaning, native message and the way out', (context) => {
    context.skip(skip !== undefined, skip)
    using folder = temporaryFolder()
    const library = binding?.open(compileEcho(folder.path))
    const needDevice = library?.find('need_device', 'int32 (id: int32, us: uint32, thread: int32*)')
    const failWith = library?.find('fail_with', 'int32 (code: int32)')
    const setDevice = library?.find('set_device', 'int32 (id: int32)')
    const text = library?.find('take_error_text', 'string ()')
    if (!needDevice || !failWith || !setDevice || !text) throw new Error('echo.c lacks a function')
    const call = createCheckedCall(text)

    const failure = (() => {
      try {
        call(needDevice, [0, 0, null], { operator: 'layer_norm' })
        return undefined
      } catch (error) {
        return error
      }
    })()
    expect(failure).toBeInstanceOf(AscendError)
    expect(failure).toMatchObject({
      name: 'AscendError',
      kind: 'device',
      functionName: 'need_device',
      operator: 'layer_norm',
      code: 107002,
      codeName: 'ACL_ERROR_RT_CONTEXT_NULL',
      nativeMessage: 'context is null',
      message:
        "need_device failed for operator 'layer_norm' with code 107002 (no current context in this " +
        'thread, ACL_ERROR_RT_CONTEXT_NULL): context is null; call aclrtSetDevice in the thread ' +
        'that makes the call',
    })
    // The text was taken with the error, so a failure without one has none.
    expect(() => call(failWith, [561000])).toThrow(
      'fail_with failed with code 561000 (internal error of aclnn, ACLNN_ERR_INNER)',
    )
    expect(() => call(failWith, [-7])).toThrow('code -7 (unknown code); look the code up')

    expect(call(failWith, [0])).toBe(0)
    expect(call(failWith, [100002], { harmless: [100002] })).toBe(100002)
    expect(() => call(failWith, [100002])).toThrow('already initialised')
    expect(call(needDevice, [0, 0, null], { harmless: [107002] })).toBe(107002)
    expect(text(), 'the text of a harmless code is not left for the next failure').toBeNull()
    call(setDevice, [0])
    expect(call(needDevice, [0, 0, null])).toBe(0)
  })
})
