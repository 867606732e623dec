/** What can be said of this machine and of the environment variables without native code. */
import { existsSync, readFileSync } from 'node:fs'
import { type Check, ok, problem, warning } from './check.ts'

/** The name that the system gives itself, such as `Debian GNU/Linux 12 (bookworm)`. */
function systemName(): string | null {
  const file = '/etc/os-release'
  if (!existsSync(file)) return null
  return /^PRETTY_NAME="?(.*?)"?$/m.exec(readFileSync(file, 'utf8'))?.[1] ?? null
}

/** The version of glibc; null under musl and on other systems. */
function glibcVersion(): string | null {
  const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } }
  return header.glibcVersionRuntime ?? null
}

export function examineHost(): Check[] {
  const { platform, arch, version } = process
  const system = systemName()
  const glibc = glibcVersion()
  const isContainer = ['/.dockerenv', '/run/.containerenv'].some((file) => existsSync(file))
  const facts = { platform, arch, system, glibc, isContainer }
  const summary = [
    `${platform} ${arch}`,
    ...(system === null ? [] : [system]),
    ...(glibc === null ? [] : [`glibc ${glibc}`]),
    ...(isContainer ? ['in a container'] : []),
  ].join(', ')
  const hint = "use Linux on x86-64 or arm64, or the device 'reference'"
  const isSupported = platform === 'linux' && ['x64', 'arm64'].includes(arch)
  return [
    ok('node', version, { version }),
    isSupported
      ? ok('platform', summary, facts)
      : problem('platform', `there is no CANN for ${summary}`, hint, facts),
  ]
}

/** The variables that decide where CANN is and which devices it sees. */
const variables = [
  'ASCEND_HOME_PATH',
  'ASCEND_TOOLKIT_HOME',
  'ASCEND_OPP_PATH',
  'ASCEND_RT_VISIBLE_DEVICES',
  'ROBERTA_ASCEND_FFI',
  'LD_LIBRARY_PATH',
]

/** @param needsOperators Whether CANN is there and looks for its operators at ASCEND_OPP_PATH. */
export function examineEnvironment(environment: NodeJS.ProcessEnv, needsOperators: boolean): Check {
  const name = 'environment'
  const facts = Object.fromEntries(variables.map((key) => [key, environment[key] ?? null]))
  // The loader path is long, and what it leads to shows in other checks.
  const shown = variables.filter((key) => environment[key] && key !== 'LD_LIBRARY_PATH')
  const summary =
    shown.length === 0
      ? 'no variable of CANN is set'
      : shown.map((key) => `${key}=${environment[key]}`).join(', ')
  const operators = environment.ASCEND_OPP_PATH
  if (!needsOperators || (operators && existsSync(operators))) return ok(name, summary, facts)
  const fault = operators ? 'ASCEND_OPP_PATH leads nowhere' : 'ASCEND_OPP_PATH is not set'
  const hint = 'run `source set_env.sh` of the CANN installation before node starts'
  return warning(name, `${fault}; ${summary}`, hint, facts)
}
