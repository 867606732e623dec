/** `op`: one operator alone, on a device and on a reference; the catalogue as a whole; what runs where. */
import { Command, CommanderError, Option } from 'commander'
import type { Alternative, CubeMathType } from '../backends/npu/constants.ts'
import {
  availableDevices,
  type DeviceOptions,
  openBackend,
  optionsForEach,
} from '../backends/open.ts'
import { labelOf } from '../bench/report.ts'
import { InvalidArgumentError } from '../errors.ts'
import { type Backend, operatorNames } from '../ops/index.ts'
import { sampleLayouts } from '../ops/samples.ts'
import { caseOf, definitionOf } from '../precision/operator-case/case.ts'
import { fillForms } from '../precision/operator-case/fill.ts'
import { runCase } from '../precision/operator-case/run.ts'
import { runSamples, type SampleResult } from '../precision/operator-case/samples.ts'
import {
  attributeOptions,
  commandOf,
  type Settings,
  sweep,
} from '../precision/operator-case/settings.ts'
import { supportMatrix } from '../precision/operator-case/support.ts'
import {
  defaultStandard,
  standardNames,
  standardOf,
  worstOf,
} from '../precision/standards/index.ts'
import { dtypeNames } from '../tensor/dtype.ts'
import { Progress } from './notes.ts'
import { choicesOfDevices, collect, deviceOption, wholeNumber } from './options.ts'
import { type CaseReport, renderCase, renderSweep } from './output/operator-case.ts'
import { renderSamples, renderSupport } from './output/operators.ts'
import { exitBy, printResult } from './verdict.ts'

/** Options that say how to run and what to print; all others are settings of a case. */
const others = ['list', 'all', 'sweep', 'rounds', 'format']
/** Settings that the catalogue's samples leave open. */
const ofAll = [
  ...['device', 'reference', 'standard', 'dtype', 'seed'],
  ...['threads', 'cube-math-type', 'aclnn'],
]
const notSwept = [...others, 'device', 'reference', 'standard', 'input', 'against']

export function opCommand(): Command {
  const command = new Command('op')
    .description('run one operator alone and compare it with a reference')
    .argument('[operator]', `one of ${operatorNames.join(', ')}`)
    .option('--list', 'print which device runs which operator in which dtype')
    .option('--all', 'run every sample of the catalogue, of one operator or of all')
    .addOption(deviceOption())
    .option('--reference <DEVICE>', 'what to compare with', 'reference')
    .addOption(new Option('--dtype <DTYPE>', 'of the inputs').choices(dtypeNames))
    .option(
      '--shape <SHAPES>',
      'of the inputs, between commas: 16x768,768x768,768; - leaves one out',
    )
    .option('--fill <FILLS>', `what generated inputs hold: ${fillForms}`)
    .addOption(new Option('--layout <LAYOUT>', 'how inputs lie in memory').choices(sampleLayouts))
    .option('--sample <NUMBER>', 'a sample of the catalogue (default: the first)')
    .option(
      '--input <NAME=FILE>',
      'an input from FILE.npy or FILE.safetensors#TENSOR; may be given several times',
      collect,
    )
    .option(
      '--against <NAME=VALUE>',
      'an attribute that the reference has instead; may be given several times',
      collect,
    )
    .option('--seed <NUMBER>', 'of generated inputs (default: 1)')
    .option(
      '--standard <NAME|FILE>',
      `what decides: ${standardNames.join(', ')} or a .json file of rules (default: ${defaultStandard})`,
    )
    .option('--sweep <NAME=VALUE...>', 'run every combination of these settings')
    .option('--rounds <COUNT>', 'calls that are timed', wholeNumber, 5)
    .addOption(
      new Option('--format <FORMAT>', 'how results are written')
        .choices(['table', 'json'])
        .default('table'),
    )
    .addHelpText(
      'after',
      '\nExit codes: 0 every verdict passes or warns, 1 some verdict is an error.',
    )
    .action(op)
  for (const option of choicesOfDevices()) command.addOption(option)
  for (const { option, summary } of attributeOptions()) {
    command.option(`--${option} <VALUE>`, summary)
  }
  return command
}

interface RunOptions {
  readonly list?: true
  readonly all?: true
  readonly device: string
  readonly reference: string
  readonly sweep?: readonly string[]
  readonly rounds: number
  readonly format: 'table' | 'json'
}

async function op(operator: string | undefined, _: unknown, command: Command): Promise<void> {
  const options = command.opts<RunOptions>()
  const settings = settingsOf(command)
  if (options.list) {
    const [misplaced] = [
      ...(operator === undefined ? [] : ['operator']),
      ...[...Object.keys(settings), ...(options.all ? ['all'] : [])].map((name) => `--${name}`),
    ]
    if (misplaced !== undefined) {
      throw new InvalidArgumentError(misplaced, 'means nothing to --list')
    }
    return list(options)
  }
  if (options.all) return all(operator, settings, options)
  if (operator === undefined) {
    throw new InvalidArgumentError('operator', 'is missing', {
      hint: `name one of ${operatorNames.join(', ')}, or use --list or --all`,
    })
  }
  definitionOf(operator)
  const cases: CaseReport[] = []
  const standard = standardOf(String(settings.standard ?? defaultStandard))
  await using devices = new Devices(options)
  for (const one of swept(command, settings, options.sweep ?? [])) {
    const [device, reference] = await devices.open(one)
    const { rounds } = options
    const result = await runCase(await caseOf(operator, one), device, reference, {
      standard,
      rounds,
    })
    const repeated = { ...one, device: device.device }
    cases.push({ ...result, settings: repeated, command: commandOf(operator, repeated) })
  }
  const verdict = worstOf(cases.map((one) => one.verdict))
  await printResult({ verdict, cases }, options, (look) =>
    options.sweep === undefined
      ? renderCase(cases[0]!, look)
      : renderSweep(cases, sweptNames(options.sweep!), verdict, look),
  )
  exitBy(verdict)
}

/** What was given of the settings of a case, as it was written. */
function settingsOf(command: Command): Settings {
  const given = command.options.filter(
    (option) =>
      command.getOptionValueSource(option.attributeName()) === 'cli' &&
      !others.includes(option.name()),
  )
  return Object.fromEntries(
    given.map((option) => {
      const value: unknown = command.getOptionValue(option.attributeName())
      return [option.name(), Array.isArray(value) ? value.map(String) : String(value)]
    }),
  )
}

/** Every combination, with each value as good as if it were given by itself. */
function swept(command: Command, settings: Settings, entries: readonly string[]): Settings[] {
  const options = command.options.filter((option) => !notSwept.includes(option.name()))
  const combinations = sweep(
    settings,
    entries,
    options.map((option) => option.name()),
  )
  for (const entry of entries) {
    const [name, ...value] = entry.split('=')
    const option = options.find((one) => one.name() === name)
    try {
      option?.parseArg?.(value.join('='), undefined)
    } catch (error) {
      if (!(error instanceof CommanderError)) throw error
      throw new InvalidArgumentError('--sweep', `'${entry}' is invalid`, { hint: error.message })
    }
  }
  return combinations
}

function sweptNames(entries: readonly string[]): string[] {
  return [...new Set(entries.map((entry) => entry.split('=', 1)[0]!))]
}

/** The device and the reference, opened once for each of the choices that are made for them. */
class Devices implements AsyncDisposable {
  readonly #open = new Map<string, readonly [Backend, Backend]>()

  constructor(private readonly names: Pick<RunOptions, 'device' | 'reference'>) {}

  async open(settings: Settings): Promise<readonly [Backend, Backend]> {
    const choices: DeviceOptions = {
      ...(settings.threads && { threads: Number(settings.threads) }),
      ...(settings['cube-math-type'] && {
        cubeMathType: settings['cube-math-type'] as CubeMathType,
      }),
      ...(settings.aclnn && { aclnn: [settings.aclnn].flat() as Alternative[] }),
    }
    const key = JSON.stringify(choices)
    const known = this.#open.get(key)
    if (known !== undefined) return known
    const { device, reference } = this.names
    const [ofDevice, ofReference] = optionsForEach([device, reference], choices)
    const opened = await openBackend(device, ofDevice)
    try {
      const pair = [opened, await openBackend(reference, ofReference)] as const
      this.#open.set(key, pair)
      return pair
    } catch (error) {
      await opened.close()
      throw error
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const backend of [...this.#open.values()].flat()) await backend.close()
  }
}

async function all(
  operator: string | undefined,
  settings: Settings,
  options: RunOptions,
): Promise<void> {
  const misplaced = Object.keys(settings).find((name) => !ofAll.includes(name))
  if (misplaced !== undefined || options.sweep !== undefined) {
    throw new InvalidArgumentError(`--${misplaced ?? 'sweep'}`, 'means nothing to --all')
  }
  const definitions = (operator === undefined ? operatorNames : [operator]).map(definitionOf)
  const standard = standardOf(String(settings.standard ?? defaultStandard))
  const results: SampleResult[] = []
  const progress = new Progress('{bar} {value}/{total} operators', definitions.length)
  await using devices = new Devices(options)
  const [device, reference] = await devices.open(settings)
  const sides = { device: device.device, reference: reference.device }
  try {
    for (const [done, definition] of definitions.entries()) {
      progress.update(done, definitions.length)
      const named = { ...settings, device: device.device }
      for await (const result of runSamples(definition, named, device, reference, standard)) {
        results.push(result)
      }
    }
  } finally {
    progress.stop()
  }
  const verdict = worstOf(results.flatMap((result) => result.verdict ?? []))
  const all = { ...sides, ...labelOf(sides.device), standard: standard.name, verdict }
  await printResult({ ...all, samples: results }, options, (look) =>
    renderSamples(results, { ...sides, ...labelOf(sides.device) }, verdict, look),
  )
  exitBy(verdict)
}

async function list(options: RunOptions): Promise<void> {
  const matrix = await supportMatrix(availableDevices)
  await printResult(matrix, options, (look) => renderSupport(matrix, look))
}
