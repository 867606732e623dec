/**
 * `doctor` as a process: on the emulator, where nothing is installed, and in installations that are
 * broken in the ways that people meet.
 */
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { examineDriver } from '../../src/backends/npu/diagnosis/driver.ts'
import { examineEnvironment } from '../../src/backends/npu/diagnosis/host.ts'
import type { DiagnosisReport } from '../../src/cli/output/diagnosis.ts'
import { renderDiagnosis } from '../../src/cli/output/diagnosis.ts'
import { noCompiler, temporaryFolder } from '../ffi/compile.ts'
import { fakeCann } from '../support/fake-cann.ts'
import { runProgram } from '../support/program.ts'

const emulator = fileURLToPath(new URL('../../kernels/emulator/build/root', import.meta.url))
const notBuilt = existsSync(emulator) ? undefined : 'npm run build:emulator has not been run'
const installed = existsSync('/usr/local/Ascend') ? '/usr/local/Ascend exists' : undefined

let folder: ReturnType<typeof temporaryFolder>
beforeEach(() => {
  folder = temporaryFolder()
})
afterEach(() => folder[Symbol.dispose]())

/** Nothing of this machine's own CANN. */
const clean = {
  ASCEND_HOME_PATH: undefined,
  ASCEND_TOOLKIT_HOME: undefined,
  ASCEND_OPP_PATH: undefined,
  LD_LIBRARY_PATH: undefined,
  ROBERTA_ASCEND_FFI: undefined,
}

const run = (args: readonly string[], env: NodeJS.ProcessEnv = {}) =>
  runProgram(['doctor', ...args], {
    cwd: folder.path,
    env: { ...clean, HOME: folder.path, ...env },
  })

/** The report as JSON, after checking what holds for every report. */
async function examine(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const { code, stdout, stderr } = await run([...args, '--format', 'json'], env)
  const report = JSON.parse(stdout) as DiagnosisReport
  const isWrong = report.checks.some(({ status }) => status === 'problem')
  expect(report.usable, stderr).toBe(!isWrong)
  expect(code).toBe(isWrong ? 3 : 0)
  for (const { name, status, hint } of report.checks) {
    if (status === 'problem' || status === 'warning') expect(hint, name).toMatch(/\w/)
  }
  const check = (name: string) => {
    const found = report.checks.find((one) => one.name === name)
    if (found === undefined) throw new Error(`no check '${name}' in ${stdout}`)
    return found
  }
  return { report, check, stderr }
}

describe('the emulator', () => {
  beforeEach((context) => context.skip(notBuilt !== undefined, notBuilt))

  test('a table that fits in 80 columns, says what it is, and leaves nothing behind', async () => {
    const file = join(folder.path, 'report.json')
    const { code, stdout, stderr } = await run(['--device', 'emulator'], {
      ASCEND_EMULATOR_REPORT: file,
    })
    expect(code, stderr).toBe(0)
    expect(stderr).toBe('')
    expect(stdout).toContain('This is the emulator, which computes on the CPU, and no NPU.')
    expect(stdout).toMatch(/^ok {7}device 0 +Ascend910B3, .* GiB free, matmul right$/m)
    expect(stdout).toMatch(/^Ready\. Next step: roberta-ascend --device emulator /m)
    const wide = stdout.split('\n').filter((line) => line.length > 80 && !line.includes(emulator))
    expect(wide).toEqual([])
    const left = JSON.parse(readFileSync(file, 'utf8'))
    expect(left.violations).toEqual([])
    expect(Object.entries(left.live).filter(([, count]) => count !== 0)).toEqual([])
    expect(left.calls.aclnnMm).toBe(1)
  })

  test.each([
    ['emulator', {}],
    ['npu', { ASCEND_HOME_PATH: emulator }],
  ])('--device %s with %j: every device, as an emulator', async (device, env) => {
    const { report, check } = await examine(['--device', device], {
      ...env,
      ASCEND_EMULATOR_DEVICES: '2',
      ASCEND_EMULATOR_MEMORY: '1073741824',
    })
    expect(report).toMatchObject({ emulator: true, usable: true, device })
    expect(report.nextStep).toContain('--device emulator')
    expect(check('cann').facts).toMatchObject({ version: '8.5.0.emulator', root: emulator })
    expect(check('devices').facts).toEqual({ count: 2 })
    expect(check('driver').status).toBe('skipped')
    for (const id of [0, 1]) {
      expect(check(`device ${id}`).facts).toMatchObject({
        id,
        socName: 'Ascend910B3',
        totalBytes: 1073741824,
        matmul: 'right',
      })
    }
  })

  test('one device of several, and one that there is not', async () => {
    const env = { ASCEND_HOME_PATH: emulator, ASCEND_EMULATOR_DEVICES: '2' }
    const { report } = await examine(['--device', 'npu:1'], env)
    const devices = report.checks.filter(({ name }) => name.startsWith('device '))
    expect(devices.map(({ name, status }) => [name, status])).toEqual([['device 1', 'ok']])
    const { check } = await examine(['--device', 'npu:2'], env)
    expect(check('device 2')).toMatchObject({ status: 'problem', summary: /has 2, counted from 0/ })
  })

  test('some of the devices of the emulator, and a list that is none', async () => {
    const env = { ASCEND_EMULATOR_DEVICES: '3' }
    const { report } = await examine(['--device', 'emulator:2,0'], env)
    const devices = report.checks.filter(({ name }) => name.startsWith('device '))
    expect(devices.map(({ name, status }) => [name, status])).toEqual([
      ['device 2', 'ok'],
      ['device 0', 'ok'],
    ])
    expect(report.nextStep).toContain('--device emulator:2,0 ')
    const { code, stderr } = await run(['--device', 'npu:0,0'])
    expect(code).toBe(2)
    expect(stderr).toContain("'npu:0,0' names number 0 twice")
  })

  test('no device', async () => {
    const { check } = await examine(['--device', 'emulator'], { ASCEND_EMULATOR_DEVICES: '0' })
    expect(check('devices')).toMatchObject({ status: 'problem', hint: /npu-smi info/ })
  })

  test('a product that is wrong', async () => {
    const env = { ASCEND_EMULATOR_ARITHMETIC: '0', ASCEND_EMULATOR_POISON: '0' }
    const { check } = await examine(['--device', 'emulator'], env)
    expect(check('device 0')).toMatchObject({
      status: 'problem',
      summary: /Ascend910B3, .*matmul is wrong: element 0, 0 is/,
      facts: { matmul: 'failed', socName: 'Ascend910B3' },
    })
  })

  test.each([
    ['aclInit', 'devices', 507008, 'check that driver and firmware are loaded and visible'],
    ['aclrtGetDeviceCount', 'devices', 207004, 'npu-smi info'],
    ['aclFinalize', 'devices', 507000, 'plog'],
    ['aclrtSetDevice', 'device 0', 207006, 'HwHiAiUser'],
    ['aclrtGetMemInfo', 'device 0', 507000, 'plog'],
    ['aclrtMalloc', 'device 0', 507899, 'npu-smi info'],
    ['aclnnMmGetWorkspaceSize', 'device 0', 561003, 'ops (kernels) package'],
    ['aclrtSynchronizeStream', 'device 0', 507015, 'synchronise after each operator'],
    ['aclrtResetDevice', 'device 0', 507000, 'plog'],
  ])('%s fails: a problem of %s', async (name, at, code, hint) => {
    // A reset that is refused leaves a context behind, which no report of the run should show.
    const env = { ASCEND_EMULATOR_FAIL: `${name}:1:${code}`, ASCEND_EMULATOR_REPORT: '' }
    const { report, check } = await examine(['--device', 'emulator'], env)
    expect(check(at).status).toBe('problem')
    expect(check(at).summary).toContain(`${name} failed`)
    expect(check(at).summary).toContain(`code ${code}`)
    expect(check(at).hint).toContain(hint)
    expect(report.nextStep).toBe(check(at).hint)
    // What was found before stays.
    expect(check('functions').status).toBe('ok')
  })

  test('a binding that there is not: the rest is examined all the same', async () => {
    const env = { ROBERTA_ASCEND_FFI: 'gyp' }
    const { check } = await examine(['--device', 'emulator'], env)
    expect(check('binding')).toMatchObject({ status: 'problem', summary: /'gyp'/ })
    expect(check('cann').status).toBe('ok')
    expect(check('devices').status).toBe('skipped')
  })
})

describe('nothing installed', () => {
  beforeEach((context) => context.skip(installed !== undefined, installed))

  test('says what there is, what there is not, and one next step', async () => {
    const { report, check } = await examine([])
    expect(report).toMatchObject({ device: 'npu', emulator: false, usable: false })
    expect(check('node')).toMatchObject({ status: 'ok', facts: { version: process.version } })
    expect(check('platform').facts).toMatchObject({ arch: process.arch })
    expect(check('binding').facts.name).toBe('koffi')
    expect(check('driver').hint).toContain('mount /usr/local/Ascend/driver')
    expect(check('cann').hint).toContain('install the CANN toolkit')
    expect(check('devices').status).toBe('skipped')
    expect(check('other devices').summary).toContain('reference: always works')
    const first = report.checks.find(({ status }) => status === 'problem')
    expect(report.nextStep).toBe(first?.hint)
  })

  test('as a table, with exit code 3 and nothing on standard error', async () => {
    const { code, stdout, stderr } = await run([])
    expect([code, stderr]).toEqual([3, ''])
    expect(stdout).toMatch(/^PROBLEM {2}cann +CANN is not installed/m)
    expect(stdout.trimEnd()).toMatch(/\n\nNot usable\. Next step: .*(\n.+)*$/)
  })
})

describe('broken installations', () => {
  beforeEach((context) => context.skip(noCompiler !== undefined, noCompiler))
  const cann = () => fakeCann(join(folder.path, 'cann'))
  const env = () => ({ ASCEND_HOME_PATH: join(folder.path, 'cann') })

  test('a variable that leads nowhere, with characters that control a terminal', async () => {
    const { code, stdout } = await run([], { ASCEND_HOME_PATH: '/no\x1b[31mwhere' })
    expect(code).toBe(3)
    expect(stdout).toContain('/no\\x1b[31mwhere')
    expect(stdout).not.toContain('\x1b')
  })

  test('a link stub is not opened', async () => {
    cann().compileAll()
    symlinkSync(join(folder.path, 'cann/lib64'), join(folder.path, 'cann/stub'))
    const { check } = await examine([], { LD_LIBRARY_PATH: join(folder.path, 'cann/stub') })
    expect(check('cann')).toMatchObject({ status: 'problem', summary: /is a link stub/ })
    expect(check('libraries').status).toBe('skipped')
  })

  test('a damaged library, and one that needs the driver', async () => {
    const { compile, compileAll, lib } = cann()
    compileAll()
    writeFileSync(lib('nnopbase'), 'text')
    const damaged = await examine([], env())
    expect(damaged.check('cann').status).toBe('ok')
    expect(damaged.check('libraries')).toMatchObject({ status: 'problem', summary: /is damaged/ })
    compile('ascend_hal', '')
    compile('nnopbase', '', lib('ascend_hal'))
    rmSync(lib('ascend_hal'))
    const { check } = await examine([], env())
    expect(check('libraries').summary).toContain('the Ascend driver is not visible')
    expect(check('libraries').hint).toContain('install the driver')
  })

  test('missing functions: those that operators need are a problem, others are none', async () => {
    cann().compileAll({ without: ['aclnnGeluV2', 'aclnnFastGelu'] })
    const { check } = await examine([], env())
    expect(check('functions')).toMatchObject({
      status: 'problem',
      summary: /missing of \d+: aclnnGeluV2$/,
      facts: { missing: ['aclnnGeluV2'], missingButNotNeeded: ['aclnnFastGelu'] },
    })
    expect(check('functions').hint).toContain('install CANN 8.1 or newer')
    // Its aclrtGetDeviceCount finds nothing.
    expect(check('devices')).toMatchObject({ status: 'problem', facts: { count: 0 } })
    cann().compileAll({ without: ['aclnnFastGelu'] })
    const old = await examine([], env())
    expect(old.check('functions')).toMatchObject({ status: 'ok', summary: /aclnnFastGelu/ })
    expect(old.check('environment').summary).toContain('ASCEND_OPP_PATH is not set')
  })

  test('a library that crashes is a problem of the step that called it', async () => {
    cann().compileAll({ sources: { aclInit: 'int aclInit(void *c) { __builtin_trap(); }' } })
    const { report, check } = await examine([], env())
    expect(check('functions').status).toBe('ok')
    expect(check('devices').status).toBe('problem')
    expect(check('devices').summary).toMatch(/was killed by SIG(ILL|TRAP)/)
    expect(report.usable).toBe(false)
  })

  test('a library that prints spoils no output', async () => {
    const source =
      '#include <stdio.h>\nint aclInit(void *c) { puts("hello"); fflush(stdout); return 0; }'
    cann().compileAll({ sources: { aclInit: source } })
    const { stderr } = await examine([], env())
    expect(stderr).toBe('hello\n')
  })

  test('a library that does not answer is given up', async () => {
    const source = '#include <unistd.h>\nint aclInit(void *c) { for (;;) pause(); }'
    cann().compileAll({ sources: { aclInit: source } })
    // From dist: Node 20 cannot run the process for native calls from TypeScript.
    const built = new URL('../../dist/backends/npu/diagnosis/diagnose.js', import.meta.url).href
    const { diagnoseNpu } = (await import(
      built
    )) as typeof import('../../src/backends/npu/diagnosis/diagnose.ts')
    process.env.ASCEND_HOME_PATH = env().ASCEND_HOME_PATH
    try {
      const { checks } = await diagnoseNpu({ device: 'npu' }, { patience: 5000 })
      const devices = checks.find(({ name }) => name === 'devices')
      expect(devices).toMatchObject({ status: 'problem', summary: 'no answer within 5 s' })
    } finally {
      delete process.env.ASCEND_HOME_PATH
    }
  })
})

test.each([
  [
    'a device that it does not examine',
    ['--device', 'reference'],
    'use npu, npu:N, npu:N,M or emulator',
  ],
  ['a format it does not have', ['--format', 'csv'], '--format'],
])('bad usage: %s', async (_, args, words) => {
  const { code, stdout, stderr } = await run(args)
  expect([code, stdout]).toEqual([2, ''])
  expect(stderr).toContain(words)
  expect(stderr.trimEnd().split('\n')).toHaveLength(1)
})

describe('driver and device files', () => {
  function write(path: string, text = ''): void {
    const file = join(folder.path, path)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, text)
  }
  const statuses = (environment: NodeJS.ProcessEnv = {}) =>
    Object.fromEntries(
      examineDriver({ environment, root: folder.path }).map((check) => [check.name, check]),
    )
  function plugIn(slot: string, vendor: string, kind: string, device: string): void {
    write(`sys/bus/pci/devices/${slot}/vendor`, `${vendor}\n`)
    write(`sys/bus/pci/devices/${slot}/class`, `${kind}\n`)
    write(`sys/bus/pci/devices/${slot}/device`, `${device}\n`)
  }
  function install(): void {
    write('usr/local/Ascend/driver/version.info', 'Version=24.1.0\nascendhal_version=7\n')
    write('usr/local/Ascend/driver/lib64/driver/libascend_hal.so')
  }
  const deviceFiles = ['davinci10', 'davinci2', 'davinci_manager', 'devmm_svm', 'hisi_hdc']

  test('all there', () => {
    plugIn('0000:c1:00.0', '0x19e5', '0x120000', '0xd802')
    plugIn('0000:c2:00.0', '0x19e5', '0x020000', '0x0222') // a network card of Huawei
    plugIn('0000:c3:00.0', '0x10de', '0x120000', '0x2330')
    install()
    for (const file of deviceFiles) write(`dev/${file}`)
    const { pci, driver, 'device files': files } = statuses()
    expect(pci).toMatchObject({ status: 'ok', facts: { accelerators: ['19e5:d802'] } })
    expect(driver).toMatchObject({ status: 'ok', facts: { version: '24.1.0' } })
    expect(files).toMatchObject({
      status: 'ok',
      summary: '/dev/davinci2, /dev/davinci10, /dev/davinci_manager, /dev/devmm_svm, /dev/hisi_hdc',
    })
  })

  test('the driver without its library, found on the loader path, and not at all', () => {
    plugIn('0000:c1:00.0', '0x8086', '0x060000', '0x1237')
    expect(statuses().pci?.status).toBe('problem')
    expect(statuses().driver?.status).toBe('problem')
    install()
    rmSync(join(folder.path, 'usr/local/Ascend/driver/lib64'), { recursive: true })
    expect(statuses().driver?.status).toBe('warning')
    // The NPU of a system on a chip is on no bus.
    expect(statuses().pci?.status).toBe('warning')
    write('elsewhere/libascend_hal.so')
    const path = join(folder.path, 'elsewhere')
    expect(statuses({ LD_LIBRARY_PATH: `:${path}` }).driver).toMatchObject({
      status: 'ok',
      facts: { hal: join(path, 'libascend_hal.so') },
    })
  })

  test('device files that are missing name what a container has to be given', () => {
    for (const file of deviceFiles.slice(0, 3)) write(`dev/${file}`)
    expect(statuses()['device files']).toMatchObject({
      status: 'problem',
      summary: 'there is no /dev/devmm_svm, /dev/hisi_hdc',
      hint: /--device \/dev\/davinci2 .*--device \/dev\/hisi_hdc/,
    })
  })

  test('device files without permission', (context) => {
    for (const file of deviceFiles) {
      write(`dev/${file}`)
      chmodSync(join(folder.path, 'dev', file), file === 'davinci_manager' ? 0o444 : 0o666)
    }
    // As nobody, since root may do anything; in a process, since only real rights count.
    const dist = fileURLToPath(new URL('../../dist', import.meta.url))
    cpSync(dist, join(folder.path, 'dist'), { recursive: true })
    write('package.json', '{ "type": "module" }')
    chmodSync(folder.path, 0o755)
    const code = `
      import { examineDriver } from './dist/backends/npu/diagnosis/driver.js'
      console.log(JSON.stringify(examineDriver({ environment: {}, root: process.cwd() })))`
    const { error, stdout, stderr } = spawnSync(
      process.execPath,
      ['--input-type=module', '--eval', code],
      { cwd: folder.path, encoding: 'utf8', ...(process.getuid?.() === 0 ? { uid: 65534 } : {}) },
    )
    context.skip(error !== undefined, `another user cannot run Node: ${error?.message}`)
    expect(stderr).toBe('')
    const checks = JSON.parse(stdout) as ReturnType<typeof examineDriver>
    expect(checks.find(({ name }) => name === 'device files')).toMatchObject({
      status: 'problem',
      summary: 'no permission to read and write /dev/davinci_manager',
      hint: expect.stringMatching(/HwHiAiUser/),
    })
  })

  test('ASCEND_OPP_PATH matters where CANN is installed', () => {
    const status = (path: string | undefined, isInstalled: boolean) =>
      examineEnvironment({ ASCEND_OPP_PATH: path }, isInstalled).status
    expect(status(undefined, false)).toBe('ok')
    expect(status(undefined, true)).toBe('warning')
    expect(status('/nowhere', true)).toBe('warning')
    expect(status(folder.path, true)).toBe('ok')
  })
})

describe('the table on a terminal', () => {
  const report: DiagnosisReport = {
    version: '1.2.3',
    device: 'npu',
    emulator: false,
    usable: false,
    checks: [
      { name: 'node', status: 'ok', summary: 'v20', facts: {} },
      { name: 'driver', status: 'problem', summary: 'a b c', facts: {}, hint: 'do this' },
      { name: 'cann', status: 'skipped', summary: 'none', facts: {} },
    ],
    nextStep: 'do this',
  }

  test('in plain characters', () => {
    expect(renderDiagnosis(report, { columns: 20, color: false, unicode: false })).toBe(
      [
        'roberta-ascend 1.2.3, device npu',
        '',
        'ok       node    v20',
        'PROBLEM  driver  a b c',
        '                 > do this',
        '-        cann    none',
        '',
        'Not usable. Next',
        'step: do this',
        '',
      ].join('\n'),
    )
  })

  test('in colour', () => {
    const drawn = renderDiagnosis(report, { columns: 80, color: true, unicode: true })
    expect(drawn).toContain('\x1b[31mPROBLEM\x1b[39m  driver  a b c')
    expect(drawn).toContain('→ do this')
  })
})
