/** `doctor`: whether an NPU can be used here, and if not, what to do about it. */
import { Command, Option } from 'commander'
import { chosenBlas, describeBlas } from '../backends/cpu/native-blas.ts'
import { kindOf, parseDevice } from '../backends/device-name.ts'
import type { Target } from '../backends/npu/diagnosis/cann.ts'
import { type Check, ok, warning } from '../backends/npu/diagnosis/check.ts'
import { type Diagnosis, diagnoseNpu } from '../backends/npu/diagnosis/diagnose.ts'
import { buildCommand, isEmulatorBuilt } from '../backends/npu/open-npu.ts'
import { availableDevices } from '../backends/open.ts'
import { InvalidArgumentError, RobertaAscendError } from '../errors.ts'
import { Exit } from './exit.ts'
import { type DiagnosisReport, renderDiagnosis } from './output/diagnosis.ts'
import { Sink } from './output/sink.ts'
import { terminalLook } from './output/terminal.ts'
import { packageInfo } from './package-info.ts'

interface Options {
  readonly device: string
  readonly format: 'table' | 'json'
}

const notUsableExitCode = 3

export function doctorCommand(): Command {
  return new Command('doctor')
    .description('examine Node, CANN, the driver and every NPU, and say what to do')
    .option('--device <DEVICE>', 'what to examine: npu, npu:N, npu:N,M or emulator', 'npu')
    .addOption(
      new Option('--format <FORMAT>', 'how the report is written')
        .choices(['table', 'json'])
        .default('table'),
    )
    .addHelpText('after', '\nExit codes: 0 the device can be used, 3 something prevents it.')
    .action(doctor)
}

async function doctor({ device, format }: Options): Promise<void> {
  const diagnosis = await diagnoseNpu(parseTarget(device))
  const report = complete(diagnosis)
  const text =
    format === 'json'
      ? `${JSON.stringify(report, undefined, 2)}\n`
      : renderDiagnosis(report, terminalLook(process.stdout, process.env))
  await new Sink(process.stdout).write(text)
  if (!diagnosis.usable) throw new Exit(notUsableExitCode)
}

function parseTarget(device: string): Target {
  const { kind, numbers } = parseDevice(device)
  if (kind === 'npu' || kind === 'emulator') {
    return { device: kind, ...(Array.isArray(numbers) ? { ids: numbers } : {}) }
  }
  throw new InvalidArgumentError('--device', `'${device}' is nothing that doctor examines`, {
    hint: 'use npu, npu:N, npu:N,M or emulator',
  })
}

/** What the command adds: this package, the devices that need no examination, and the next step. */
function complete(diagnosis: Diagnosis): DiagnosisReport {
  const { device, emulator, usable } = diagnosis
  const checks = [...diagnosis.checks, otherDevices(), matrixLibrary()]
  const failed = checks.find(({ status }) => status === 'problem')
  const used = emulator && kindOf(device) === 'npu' ? 'emulator' : device
  const nextStep = failed?.hint ?? `roberta-ascend --device ${used} --text "I am so happy today!"`
  return { version: packageInfo().version, device, emulator, usable, checks, nextStep }
}

/** What the device cpu multiplies with. A choice that cannot be had prevents the use of that device only. */
function matrixLibrary(): Check {
  try {
    const library = chosenBlas()
    return ok('matmul of cpu', describeBlas(library), { library: library?.description ?? 'none' })
  } catch (error) {
    if (!(error instanceof RobertaAscendError)) throw error
    const hint = error.hint ?? 'unset ROBERTA_ASCEND_BLAS'
    return warning('matmul of cpu', error.problem, hint)
  }
}

function otherDevices(): Check {
  const alwaysThere = availableDevices.filter((device) => !['npu', 'emulator'].includes(device))
  const isBuilt = isEmulatorBuilt()
  const summary = [
    ...alwaysThere.map((device) => `${device}: always works`),
    `emulator: ${isBuilt ? 'built' : `not built (${buildCommand})`}`,
  ]
  const facts = { alwaysThere, emulatorIsBuilt: isBuilt }
  return ok('other devices', summary.join('; '), facts)
}
