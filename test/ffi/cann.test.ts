/**
 * Finding and opening CANN, in made-up installations of real files: libraries compiled for the test,
 * with and without the symbols and the dependencies that the real ones have.
 */
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { DeviceUnavailableError } from '../../src/errors.ts'
import { findCann } from '../../src/ffi/find-cann.ts'
import { openCann } from '../../src/ffi/open-cann.ts'
import { fakeCann } from '../support/fake-cann.ts'
import { bindingsUnderTest } from './bindings.ts'
import { temporaryFolder } from './compile.ts'

const architecture = process.arch === 'arm64' ? 'aarch64' : 'x86_64'

let folder: ReturnType<typeof temporaryFolder>
let root: string
beforeEach(() => {
  folder = temporaryFolder()
  root = join(folder.path, 'cann')
})
afterEach(() => folder[Symbol.dispose]())

/** Writes an empty file; finding looks at names only. */
function touch(...parts: string[]): string {
  const path = join(...parts)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, '')
  return path
}

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
}

/** The files of CANN 8.5 in `at`, empty. */
function touchNewLayout(at: string): void {
  for (const name of ['ascendcl', 'acl_rt', 'nnopbase', 'opapi', 'opapi_nn', 'opapi_math']) {
    touch(at, 'lib64', `lib${name}.so`)
  }
}

const find = (environment: NodeJS.ProcessEnv) => findCann({ environment, usualPlaces: [] })

describe('findCann', () => {
  it('takes ASCEND_HOME_PATH first and the split operator libraries, never both kinds', () => {
    touchNewLayout(root)
    const other = join(folder.path, 'other')
    touchNewLayout(other)
    const found = find({ ASCEND_HOME_PATH: root, ASCEND_TOOLKIT_HOME: other })
    expect(found).toMatchObject({
      foundBy: 'ASCEND_HOME_PATH',
      root,
      libraries: {
        ascendcl: [join(root, 'lib64/libascendcl.so'), join(root, 'lib64/libacl_rt.so')],
        nnopbase: [join(root, 'lib64/libnnopbase.so')],
        opapi: [join(root, 'lib64/libopapi_nn.so'), join(root, 'lib64/libopapi_math.so')],
      },
    })
    expect(find({ ASCEND_TOOLKIT_HOME: other }).foundBy).toBe('ASCEND_TOOLKIT_HOME')
  })

  it('takes the umbrella where CANN is older, also from its place under opp', () => {
    touch(root, `${architecture}-linux/lib64/libascendcl.so`)
    touch(root, `${architecture}-linux/lib64/libnnopbase.so`)
    // Without libopapi_nn.so, a stray math library does not make a split installation.
    touch(root, 'lib64/libopapi_math.so')
    const umbrella = touch(
      root,
      `opp/built-in/op_impl/ai_core/tbe/op_api/lib/linux/${architecture}/libopapi.so`,
    )
    expect(find({ ASCEND_HOME_PATH: root }).libraries.opapi).toEqual([umbrella])
  })

  it('takes the first runtime on the loader path, and the rest from anywhere on it', () => {
    const runtime = touch(root, 'lib64/libacl_rt.so')
    const nnopbase = touch(folder.path, 'more/libnnopbase.so')
    const umbrella = touch(folder.path, 'more/libopapi.so')
    const path = ['relative', '', join(folder.path, 'none'), join(root, 'lib64'), dirname(umbrella)]
    expect(find({ LD_LIBRARY_PATH: path.join(':') })).toMatchObject({
      foundBy: 'LD_LIBRARY_PATH',
      root,
      libraries: { ascendcl: [runtime], nnopbase: [nnopbase], opapi: [umbrella] },
    })
  })

  it('looks in the usual places: cann, then ascend-toolkit, then the newest version', () => {
    const place = join(folder.path, 'Ascend')
    const search = () => findCann({ environment: {}, usualPlaces: [place] }).root
    // The tenth minor version is newer than the ninth, which a sort of strings would not say.
    for (const version of ['8.0.0', '8.10.0', '8.9.0']) {
      touchNewLayout(join(place, 'ascend-toolkit', version))
    }
    expect(search()).toBe(join(place, 'ascend-toolkit/8.10.0'))
    touchNewLayout(join(place, 'cann-8.5.0'))
    expect(search()).toBe(join(place, 'cann-8.5.0'))
    touchNewLayout(join(place, 'ascend-toolkit/latest'))
    expect(search()).toBe(join(place, 'ascend-toolkit/latest'))
    symlinkSync('cann-8.5.0', join(place, 'cann'))
    expect(search()).toBe(join(place, 'cann'))
  })

  it('looks below the home folder', () => {
    touchNewLayout(join(folder.path, 'Ascend/cann'))
    const found = findCann({ environment: { HOME: folder.path } })
    // A machine with CANN in /usr/local/Ascend finds that one first.
    expect([join(folder.path, 'Ascend/cann'), '/usr/local/Ascend/cann']).toContain(found.root)
  })

  it.each([
    [
      `${architecture}-linux/ascend_toolkit_install.info`,
      'package_name=x\nversion=8.5.0\n',
      '8.5.0',
    ],
    ['version.cfg', '# version: 1.0\nruntime_running_version=[7.6.0.1.220:8.1.RC1]\n', '8.1.RC1'],
    ['runtime/version.info', 'Version=7.6.0.1.220\nversion_dir=8.0.0\n', '8.0.0'],
    ['runtime/version.info', 'Version=7.6.0.1.220\n', '7.6.0.1.220'],
    ['version.cfg', 'nothing of use', undefined],
  ])('reads the version from %s', (file, text, version) => {
    touchNewLayout(root)
    write(join(root, file), text)
    expect(find({ ASCEND_HOME_PATH: root }).version).toBe(version)
  })

  it.each([
    ['not installed', {}, 'CANN is not installed'],
    [
      'a variable that leads nowhere',
      { ASCEND_HOME_PATH: '/nowhere' },
      "ASCEND_HOME_PATH is '/nowhere'",
    ],
  ])('says %s', (_, environment, words) => {
    touchNewLayout(join(folder.path, 'Ascend/cann'))
    const search = () => findCann({ device: 'npu:1', environment, usualPlaces: ['/nowhere'] })
    expect(search).toThrow(DeviceUnavailableError)
    expect(search).toThrow(words)
    expect(search).toThrow("device 'npu:1' is not available")
  })

  it('says what is missing from an incomplete installation', () => {
    touch(root, 'lib64/libascendcl.so')
    expect(() => find({ ASCEND_HOME_PATH: root })).toThrow(
      'is incomplete: there is no libnnopbase.so',
    )
    touch(root, 'lib64/libnnopbase.so')
    expect(() => find({ ASCEND_HOME_PATH: root })).toThrow('no libopapi_nn.so or libopapi.so')
  })

  it('refuses link stubs, also behind a symbolic link', () => {
    const devlib = join(root, 'devlib')
    for (const name of ['ascendcl', 'nnopbase', 'opapi']) touch(devlib, `lib${name}.so`)
    const refusal =
      /devlib\/libascendcl\.so is a link stub.*take the devlib and stub folders out of/
    expect(() => find({ LD_LIBRARY_PATH: devlib })).toThrow(refusal)
    symlinkSync(devlib, join(root, 'lib64'))
    expect(() => find({ ASCEND_HOME_PATH: root })).toThrow('lib64/libascendcl.so is a link stub')
  })
})

const runtime = `
#include <string.h>
static const char *text;
int aclInit(const char *path) { text = path ? "cannot read the file" : 0; return path ? 100003 : 0; }
const char *aclGetRecentErrMsg(void) { const char *t = text; text = 0; return t; }
`
const ask = `
int aclsysGetCANNVersion(int name, char *v) { if (name) return 100000; memset(v, 'x', 512); strcpy(v, "8.5.0"); return 0; }
`

describe.each(bindingsUnderTest)('openCann over $name', ({ binding, skip }) => {
  beforeEach((context) => context.skip(skip !== undefined, skip))

  const open = () => {
    if (binding === undefined) throw new Error('no binding')
    const installation = find({ ASCEND_HOME_PATH: root })
    return openCann(installation, { device: 'npu:0', binding })
  }
  const lib = (name: string) => fakeCann(root).lib(name)
  const compile = (...args: Parameters<ReturnType<typeof fakeCann>['compile']>) =>
    fakeCann(root).compile(...args)
  const failure = () => {
    try {
      open()
    } catch (error) {
      if (error instanceof DeviceUnavailableError) return error.message
      throw error
    }
    throw new Error('it opened')
  }

  it('calls functions wherever they are, and names those that are missing', () => {
    compile('ascendcl', 'int aclrtFree(void *p) { return p ? 0 : 107000; }')
    compile('acl_rt', runtime + ask)
    compile('nnopbase', '')
    compile('opapi_nn', 'int aclnnGelu(void *w, unsigned long n, void *e, void *s) { return n; }')
    compile(
      'opapi_math',
      'int aclnnAdd(void *w, unsigned long n, void *e, void *s) { return n + 1; }',
    )
    const cann = open()
    expect(cann.version).toBe('8.5.0')
    expect(cann.binding).toBe(binding?.name)
    expect(cann.call(cann.functions.aclInit, [null])).toBe(0)
    expect(() => cann.call(cann.functions.aclInit, ['x'])).toThrow(
      'aclInit failed with code 100003 (configuration file unreadable, ACL_ERROR_INVALID_FILE): cannot read the file',
    )
    expect(cann.functions.aclInit.library, 'a function of the shim').toBe(lib('acl_rt'))
    expect(cann.functions.aclnnGelu(0n, 5n, 0n, 0n)).toBe(5)
    expect(cann.functions.aclnnAdd(0n, 5n, 0n, 0n)).toBe(6)
    expect(cann.functions.aclInit).toBe(cann.functions.aclInit)
    expect([cann.has('aclnnGelu'), cann.has('aclnnGeluV2')]).toEqual([true, false])
    expect(() => cann.functions.aclnnGeluV2).toThrow(
      `device 'npu:0' is not available: there is no aclnnGeluV2 in ${lib('opapi_nn')} or ${lib('opapi_math')} of CANN 8.5.0; install`,
    )
  })

  it('prefers the version that the installation states', () => {
    compile('ascendcl', runtime + ask)
    compile('nnopbase', '')
    compile('opapi', '')
    write(join(root, 'version.cfg'), 'runtime_running_version=[7:8.1.RC1]')
    expect(open().version).toBe('8.1.RC1')
    rmSync(join(root, 'version.cfg'))
    expect(open().version).toBe('8.5.0')
  })

  /** An installation whose libascendcl.so needs the library `name`, which stands in lib64. */
  function needing(name: string): string {
    compile(name, 'int needed(void) { return 1; }')
    compile('nnopbase', '')
    compile('opapi', '')
    compile('ascendcl', runtime, lib(name))
    return lib(name)
  }

  it('says that set_env.sh was not sourced, and where it is', () => {
    needing('only_cann_has_this')
    const words = 'the environment of CANN is not set: libonly_cann_has_this.so is installed'
    expect(failure()).toContain(words)
    expect(failure()).toContain("run the installation's set_env.sh before node starts")
    write(join(root, 'set_env.sh'), '')
    expect(failure()).toContain(`run \`source ${join(root, 'set_env.sh')}\` before node starts`)
  })

  it('says that the driver is missing', () => {
    rmSync(needing('ascend_hal'))
    expect(failure()).toContain('the Ascend driver is not visible: libascend_hal.so is nowhere')
  })

  it('says which library an incomplete installation lacks', () => {
    rmSync(needing('profapi'))
    expect(failure()).toContain('it needs libprofapi.so, which is neither installed with CANN nor')
  })

  it('says that libraries of several versions are mixed', () => {
    // A variable cannot be bound lazily, so dlopen misses it at once.
    compile('nnopbase', '')
    compile('opapi', '')
    compile(
      'ascendcl',
      'extern int gone_in_this_version; int f(void) { return gone_in_this_version; }',
    )
    expect(failure()).toContain('do not fit together: no library has gone_in_this_version;')
  })

  it('says that a file is damaged or for another machine', () => {
    compile('ascendcl', '')
    compile('nnopbase', '')
    compile('opapi', '')
    const whole = readFileSync(lib('ascendcl'))
    const damaged = `libascendcl.so cannot be loaded: the file is damaged or not for ${process.arch}`
    const otherMachine = Buffer.from(whole)
    otherMachine.writeUInt16LE(2, 18) // e_machine: SPARC
    for (const bytes of [Buffer.from('text'), whole.subarray(0, 10), otherMachine]) {
      writeFileSync(lib('ascendcl'), bytes)
      expect(failure()).toContain(damaged)
    }
  })
})
