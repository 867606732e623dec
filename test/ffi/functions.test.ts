/**
 * The signature table against the headers, and that a call follows from a row.
 *
 * test/fixtures/cann-abi.json holds the C declarations; the translation of C types below is written
 * from them and knows nothing of the table.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { alternatives } from '../../src/backends/npu/constants.ts'
import type { NativeFunction } from '../../src/ffi/binding.ts'
import type { CannFunctionName, CannSignature } from '../../src/ffi/functions.ts'
import { functions, neededFunctions } from '../../src/ffi/functions.ts'
import type { Signature } from '../../src/ffi/signature.ts'
import { parseSignature } from '../../src/ffi/signature.ts'
import abi from '../fixtures/cann-abi.json' with { type: 'json' }

const enums = [
  'aclError',
  'aclnnStatus',
  'aclDataType',
  'aclFormat',
  'aclrtRunMode',
  'aclrtMemMallocPolicy',
  'aclrtMemcpyKind',
  'aclrtMemAttr',
  'aclrtDevAttr',
  'aclSysParamOpt',
  'aclrtLastErrLevel',
  'aclCANNPackageName',
  'aclrtStreamStatus',
  'aclrtEventRecordedStatus',
  'aclmdlRICaptureMode',
  'aclmdlRICaptureStatus',
  'aclprofAicoreMetrics',
]
const handles = ['aclrtStream', 'aclrtEvent', 'aclrtContext', 'aclmdlRI']
const numbers: Record<string, string> = {
  int8_t: 'int8',
  int32_t: 'int32',
  uint32_t: 'uint32',
  int64_t: 'int64',
  uint64_t: 'uint64',
  size_t: 'uint64',
  float: 'float',
  double: 'double',
  bool: 'bool',
}

/** The types of the notation that are right for a C type; more than one for an untyped address. */
function expectedTypes(cType: string): readonly string[] {
  const words = cType.replaceAll('const', ' ').replaceAll('*', ' ').trim()
  const stars = cType.split('*').length - 1
  if (words === 'void' || words.startsWith('aclCANNPackageVersion')) {
    return stars === 1 ? ['pointer', 'memory'] : ['pointer*']
  }
  if (words === 'char') return ['string']
  const value = enums.includes(words) ? 'int32' : numbers[words]
  if (value !== undefined) return [`${value}${'*'.repeat(stars)}`]
  // A handle is a pointer by itself, an opaque struct with one star.
  const levels = handles.includes(words) ? stars + 1 : stars
  return [`pointer${'*'.repeat(levels - 1)}`]
}

const rows = Object.entries(functions).flatMap(([library, table]) =>
  Object.entries(table as Record<string, Signature>).map(([name, signature]) => ({
    library,
    name,
    signature,
  })),
)
const libraryOf = (file: string): string =>
  file.startsWith('libopapi') ? 'opapi' : file.replace(/^lib|\.so$/g, '')

describe('the signature table', () => {
  it('has exactly the functions of the fixture, each once', () => {
    expect(rows.map(({ name }) => name).sort()).toEqual(
      abi.functions.map(({ name }) => name).sort(),
    )
  })

  it.each(rows)('$name agrees with the header', ({ library, name, signature }) => {
    const declared = abi.functions.find((entry) => entry.name === name)
    const { result, arguments: list } = parseSignature(signature)
    expect(library).toBe(libraryOf(declared?.library ?? ''))
    expect(expectedTypes(declared?.result ?? '')).toContain(result)
    expect(list.map((argument) => argument.name)).toEqual(declared?.params.map(([param]) => param))
    for (const [index, [, cType = '']] of (declared?.params ?? []).entries()) {
      expect(expectedTypes(cType), `${name}, argument ${list[index]?.name}`).toContain(
        list[index]?.type,
      )
    }
  })

  it('calls needed what the backend calls, and nothing else', () => {
    const folder = new URL('../../src/backends/npu/', import.meta.url)
    const code = readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .map((file) => readFileSync(new URL(file, folder), 'utf8'))
      .join('\n')
      .replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, '')
    const called = rows
      .map(({ name }) => name)
      .filter((name) => new RegExp(`\\b${name.replace('GetWorkspaceSize', '')}\\b`).test(code))
    // These run only where they are asked for, or there is a way without them.
    const repeatable = 'aclSetAclOpExecutorRepeatable'
    const lists = ['aclCreateTensorList', 'aclDestroyTensorList']
    const weights = [
      'aclnnCalculateMatmulWeightSizeV2',
      'aclnnTransMatmulWeight',
      'aclnnAddmmWeightNz',
    ]
    const onRequest: readonly string[] = [
      ...[...alternatives, ...lists, ...weights, 'aclnnFastGelu', repeatable],
      ...rows.map(({ name }) => name).filter((name) => /Event|^aclprof|^aclmdlRI/.test(name)),
    ]
    const needed = called.filter(
      (name) =>
        neededFunctions.has(name) || !onRequest.includes(name.replace('GetWorkspaceSize', '')),
    )
    expect([...neededFunctions].sort()).toEqual(needed.sort())
  })

  it('refuses a type that the notation does not have', () => {
    expect(() => parseSignature('int32 (a: int46)')).toThrow("unknown C type 'int46'")
    expect(() => parseSignature('int32 a: int32)' as Signature)).toThrow(TypeError)
  })
})

describe('the types of the callables', () => {
  type Callable<K extends CannFunctionName> = NativeFunction<CannSignature<K>>

  it('follow from the rows', () => {
    expectTypeOf<Parameters<Callable<'aclrtMalloc'>>>().toEqualTypeOf<
      [BigUint64Array | null, bigint, number]
    >()
    expectTypeOf<ReturnType<Callable<'aclGetRecentErrMsg'>>>().toEqualTypeOf<string | null>()
    expectTypeOf<ReturnType<Callable<'aclCreateTensor'>>>().toEqualTypeOf<bigint>()
    expectTypeOf<Parameters<Callable<'aclnnMatmulGetWorkspaceSize'>>>().toEqualTypeOf<
      [bigint, bigint, bigint, number, BigUint64Array | null, BigUint64Array | null]
    >()
    expectTypeOf<Parameters<Callable<'aclnnAdd'>>>().toEqualTypeOf<
      [bigint, bigint, bigint, bigint]
    >()
  })
})
