/** A CPU and an NPU side by side; an emulator in its place is called what it is. */
import { kindOf } from '../backends/device-name.ts'
import { type DeviceReport, emulatorLabel, type RatioReport, type SpeedUpReport } from './report.ts'

/**
 * The table, where a CPU and an NPU or emulator were measured: `cpu` rather than `reference`, an NPU
 * rather than an emulator. `ratios` are those to the first device.
 */
export function speedUp(
  devices: readonly DeviceReport[],
  ratios: readonly RatioReport[],
): SpeedUpReport | undefined {
  const find = (kind: string): DeviceReport | undefined =>
    devices.find(({ device }) => kindOf(device) === kind)
  const cpu = find('cpu') ?? find('reference')
  const npu = find('npu')
  const emulator = find('emulator')
  if (cpu === undefined) return undefined
  const toFirst = ({ device }: DeviceReport, size: number): number =>
    device === devices[0]!.device
      ? 1
      : ratios.find((one) => one.device === device && one.batchSize === size)!.endToEnd
  const rowsWith = (other: DeviceReport) =>
    cpu.batches.map(({ batchSize, endToEnd: { textsPerSecond: cpuTextsPerSecond } }, at) => {
      const { textsPerSecond } = other.batches[at]!.endToEnd
      const ratio = toFirst(other, batchSize) / toFirst(cpu, batchSize)
      return { row: { batchSize, cpuTextsPerSecond }, textsPerSecond, ratio }
    })
  if (npu !== undefined) {
    const rows = rowsWith(npu).map(({ row, textsPerSecond, ratio }) => ({
      ...row,
      npuTextsPerSecond: textsPerSecond,
      speedUp: ratio,
    }))
    return { cpu: cpu.device, npu: npu.device, rows }
  }
  if (emulator !== undefined) {
    const rows = rowsWith(emulator).map(({ row, textsPerSecond, ratio }) => ({
      ...row,
      emulatorTextsPerSecond: textsPerSecond,
      ratio,
    }))
    return { label: emulatorLabel, cpu: cpu.device, emulator: emulator.device, rows }
  }
  return undefined
}
