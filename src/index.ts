/**
 * The library `roberta-ascend`.
 *
 * `GoEmotionsClassifier` and `pipeline` are for those who have texts; `SequenceClassifier`, tensors,
 * operators and observers for those who want to look inside.
 */
export { CpuBackend, type CpuBackendOptions } from './backends/cpu/cpu-backend.ts'
export { CpuError } from './backends/cpu/error.ts'
export type { CubeMathType } from './backends/npu/constants.ts'
export { NpuBackend } from './backends/npu/npu-backend.ts'
export { openEmulator, openNpu } from './backends/npu/open-npu.ts'
export { type DeviceOptions, openBackend } from './backends/open.ts'
export { ReferenceBackend } from './backends/reference/reference-backend.ts'
export { type BenchmarkOptions, benchmark } from './bench/benchmark.ts'
export type { BenchmarkReport } from './bench/report.ts'
export { Timeline } from './bench/timeline.ts'
export { Checkpoint } from './checkpoint/checkpoint.ts'
export {
  type DownloadedModel,
  type DownloadOptions,
  type DownloadProgress,
  downloadModel,
  HubError,
} from './checkpoint/hub/download.ts'
export { SafetensorsError } from './checkpoint/safetensors/error.ts'
export {
  type RawTensor,
  SafetensorsFile,
  type TensorInfo,
} from './checkpoint/safetensors/reader.ts'
export { writeSafetensors } from './checkpoint/safetensors/writer.ts'
export * from './errors.ts'
export { DatasetError } from './evaluation/dataset/error.ts'
export type { LabelledText } from './evaluation/dataset/labelled-texts.ts'
export type { DatasetFormat } from './evaluation/dataset/read-dataset.ts'
export { type EvaluateOptions, evaluate } from './evaluation/evaluate.ts'
export { NonFiniteLogitsError } from './evaluation/predict.ts'
export type { Quality } from './evaluation/quality/quality.ts'
export type { EvaluationReport } from './evaluation/report.ts'
export {
  bestThresholds,
  readThresholds,
  type SavedThresholds,
  saveThresholds,
} from './evaluation/thresholds.ts'
export type { PublishedFigures } from './evaluation/verify/published-figures.ts'
export {
  type VerificationReport,
  type VerifyOptions,
  verifyModel,
} from './evaluation/verify/verify-model.ts'
export type { Classification, LabelScore } from './model/classification.ts'
export { ConfigError, type RobertaConfig } from './model/config.ts'
export {
  GoEmotionsClassifier,
  type Prediction,
  type PredictOptions,
} from './model/go-emotions-classifier.ts'
export { ParameterMismatchError } from './model/load-parameters.ts'
export { pipeline, type TextClassificationPipeline } from './model/pipeline.ts'
export { type DeviceBatch, RobertaForSequenceClassification } from './model/roberta.ts'
export type { Threshold } from './model/scores.ts'
export { type LoadOptions, type Logits, SequenceClassifier } from './model/sequence-classifier.ts'
export * from './ops/index.ts'
export { type Agreement, agreementOf, type Flip } from './precision/agreement.ts'
export {
  type CompareDevicesOptions,
  compareDevices,
} from './precision/compare/compare-devices.ts'
export type {
  ComparisonResult,
  Graft,
  InputComparison,
  Judgement,
  Mode,
  ModuleComparison,
  OperatorComparison,
  ParametersComparison,
  Side,
  TextComparison,
} from './precision/compare/result.ts'
export {
  type ComparisonOptions,
  compareTensors,
  type TensorComparison,
} from './precision/compare-tensors.ts'
export { type ExactResult, exactResult } from './precision/exact.ts'
export type { HistogramBin, Metrics, WorstElement } from './precision/metrics.ts'
export { writeReport } from './precision/report/write-report.ts'
export {
  type Judged,
  type JudgedClass,
  type Standard,
  type Status,
  standardNames,
  standardOf,
  type Verdict,
  worstOf,
} from './precision/standards/index.ts'
export {
  compareTraces,
  type TraceComparison,
  type TracedComparison,
} from './precision/trace/compare-traces.ts'
export type { Manifest, OperatorRecord } from './precision/trace/manifest.ts'
export type { TraceSelection } from './precision/trace/selection.ts'
export { openTrace, type Trace, type TracedTensor } from './precision/trace/trace.ts'
export {
  type TraceOptions,
  type TraceResult,
  traceForward,
} from './precision/trace/trace-forward.ts'
export type { BadOperator } from './precision/trace/watch.ts'
export type { DType, FloatDType, HostArray } from './tensor/dtype.ts'
export * from './tensor/errors.ts'
export { arena, Tensor } from './tensor/tensor.ts'
export { TokenizerError } from './tokenizer/errors.ts'
