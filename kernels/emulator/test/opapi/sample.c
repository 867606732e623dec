/* A user's program in C: out = layerNorm(gelu(x * w^T + b)) on one stream, with everything created, checked and
 * destroyed as the ABI asks; nothing of it may be a violation. */
#include <math.h>

#include "check.h"

enum { rows = 5, inner = 8, columns = 6 };

typedef struct {
  void *memory;
  aclTensor *tensor;
} Tensor;

static Tensor make(const int64_t *shape, const int64_t *strides, uint64_t rank, const int64_t *storage, const float *values) {
  Tensor t;
  size_t size = sizeof(float);
  for (uint64_t i = 0; i < rank; ++i) size *= (size_t)shape[i];
  CHECK_OK(aclrtMalloc(&t.memory, size, ACL_MEM_MALLOC_HUGE_FIRST));
  if (values) CHECK_OK(aclrtMemcpy(t.memory, size, values, size, ACL_MEMCPY_HOST_TO_DEVICE));
  t.tensor = aclCreateTensor(shape, rank, ACL_FLOAT, strides, 0, ACL_FORMAT_ND, storage, rank, t.memory);
  CHECK(t.tensor);
  return t;
}

static void destroy(Tensor t) {
  CHECK_OK(aclDestroyTensor(t.tensor));
  CHECK_OK(aclrtFree(t.memory));
}

static void *workspaceOf(uint64_t size) {
  void *memory = NULL;
  if (size > 0) CHECK_OK(aclrtMalloc(&memory, size, ACL_MEM_MALLOC_HUGE_FIRST));
  return memory;
}

int main(void) {
  float x[rows][inner], w[columns][inner], b[columns], gamma[columns], beta[columns], found[rows][columns];
  for (int i = 0; i < rows; ++i)
    for (int p = 0; p < inner; ++p) x[i][p] = (float)((i * 7 + p * 3) % 11 - 5) / 4;
  for (int j = 0; j < columns; ++j) {
    for (int p = 0; p < inner; ++p) w[j][p] = (float)((j * 5 + p) % 7 - 3) / 8;
    b[j] = (float)j / 10;
    gamma[j] = 1 + (float)j / 8;
    beta[j] = (float)(j - 3) / 4;
  }

  aclrtStream stream;
  CHECK_OK(aclInit(NULL));
  CHECK_OK(aclrtSetDevice(0));
  CHECK_OK(aclrtCreateStream(&stream));

  const int64_t xShape[] = {rows, inner}, wShape[] = {inner, columns}, wStrides[] = {1, inner}, wStorage[] = {columns, inner};
  const int64_t outShape[] = {rows, columns}, line[] = {columns}, statistics[] = {rows, 1};
  const Tensor dx = make(xShape, NULL, 2, xShape, &x[0][0]), dw = make(wShape, wStrides, 2, wStorage, &w[0][0]);
  const Tensor db = make(line, NULL, 1, line, b), dg = make(line, NULL, 1, line, gamma), ds = make(line, NULL, 1, line, beta);
  const Tensor hidden = make(outShape, NULL, 2, outShape, NULL), active = make(outShape, NULL, 2, outShape, NULL);
  const Tensor out = make(outShape, NULL, 2, outShape, NULL), mean = make(statistics, NULL, 2, statistics, NULL);
  const Tensor rstd = make(statistics, NULL, 2, statistics, NULL);
  float one = 1;
  aclScalar *alpha = aclCreateScalar(&one, ACL_FLOAT);
  aclIntArray *normalized = aclCreateIntArray(line, 1);
  CHECK(alpha && normalized);

  uint64_t size;
  aclOpExecutor *executor;
  void *workspaces[4];
  CHECK_OK(aclnnMatmulGetWorkspaceSize(dx.tensor, dw.tensor, hidden.tensor, 0, &size, &executor));
  workspaces[0] = workspaceOf(size);
  CHECK_OK(aclnnMatmul(workspaces[0], size, executor, stream));
  CHECK_OK(aclnnInplaceAddGetWorkspaceSize(hidden.tensor, db.tensor, alpha, &size, &executor));
  workspaces[1] = workspaceOf(size);
  CHECK_OK(aclnnInplaceAdd(workspaces[1], size, executor, stream));
  CHECK_OK(aclnnGeluV2GetWorkspaceSize(hidden.tensor, 0, active.tensor, &size, &executor));
  workspaces[2] = workspaceOf(size);
  CHECK_OK(aclnnGeluV2(workspaces[2], size, executor, stream));
  CHECK_OK(aclnnLayerNormGetWorkspaceSize(active.tensor, normalized, dg.tensor, ds.tensor, 1e-5, out.tensor, mean.tensor, rstd.tensor, &size,
                                          &executor));
  workspaces[3] = workspaceOf(size);
  CHECK_OK(aclnnLayerNorm(workspaces[3], size, executor, stream));

  CHECK_OK(aclrtSynchronizeStream(stream));
  CHECK_OK(aclrtMemcpy(found, sizeof found, out.memory, sizeof found, ACL_MEMCPY_DEVICE_TO_HOST));

  for (int i = 0; i < rows; ++i) {
    double y[columns], average = 0, variance = 0;
    for (int j = 0; j < columns; ++j) {
      y[j] = b[j];
      for (int p = 0; p < inner; ++p) y[j] += (double)x[i][p] * w[j][p];
      y[j] = 0.5 * y[j] * erfc(-y[j] / sqrt(2));
      average += y[j] / columns;
    }
    for (int j = 0; j < columns; ++j) variance += (y[j] - average) * (y[j] - average) / columns;
    for (int j = 0; j < columns; ++j) {
      const double expected = (y[j] - average) / sqrt(variance + 1e-5) * gamma[j] + beta[j];
      CHECK(fabs(found[i][j] - expected) < 1e-5);
    }
  }

  for (int i = 0; i < 4; ++i)
    if (workspaces[i]) CHECK_OK(aclrtFree(workspaces[i]));
  const Tensor tensors[] = {dx, dw, db, dg, ds, hidden, active, out, mean, rstd};
  for (size_t i = 0; i < sizeof tensors / sizeof *tensors; ++i) destroy(tensors[i]);
  CHECK_OK(aclDestroyScalar(alpha));
  CHECK_OK(aclDestroyIntArray(normalized));
  CHECK_OK(aclrtDestroyStream(stream));
  CHECK_OK(aclrtResetDevice(0));
  CHECK_OK(aclFinalize());
  CHECK_NO_VIOLATION();
  return 0;
}
