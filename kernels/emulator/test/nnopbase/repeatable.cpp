// Repeatable executors: repetition, address updates by index, refusals; operators inside a graph.
#include "toy.h"

int main() {
  Session session;
  StreamHandle stream;
  DeviceBuffer x(64), y(64), out(64), out2(64), workspace(kToyWorkspace);
  upload(x, {1, 2});
  upload(y, {30, 40});
  TensorHandle tx(x.address, {2}), ty(y.address, {2}), tout(out.address, {2});
  uint64_t size = 0;
  aclOpExecutor *executor = nullptr;
  const auto execute = [&] {
    CHECK_OK(toy(workspace.address, size, executor, stream));
    CHECK_OK(aclrtSynchronizeStream(stream));
  };

  CHECK_OK(toyGetWorkspaceSize(tx, nullptr, tout, 2, &size, &executor));
  CHECK_OK(aclSetAclOpExecutorRepeatable(executor));
  execute();
  CHECK(download(out, 2) == (Ints{2, 4}));
  upload(x, {5, 6});
  execute();
  CHECK(download(out, 2) == (Ints{10, 12}));
  CHECK_OK(aclSetInputTensorAddr(executor, 0, tx, y.address));
  CHECK_OK(aclSetOutputTensorAddr(executor, 0, tout, out2.address));
  execute();
  CHECK(download(out2, 2) == (Ints{60, 80}));
  CHECK(download(out, 2) == (Ints{10, 12}));
  CHECK_OK(AclSetTensorAddr(executor, 2, tout, out.address));  // 0 and 1 are the inputs; either spelling will do
  execute();
  CHECK(download(out, 2) == (Ints{60, 80}));

  CHECK_STATUS(ACLNN_ERR_PARAM_INVALID, aclSetInputTensorAddr(executor, 1, ty, y.address));  // NULL at phase 1
  CHECK_STATUS(ACLNN_ERR_PARAM_INVALID, aclSetInputTensorAddr(executor, 2, tx, y.address));
  CHECK_STATUS(ACLNN_ERR_PARAM_INVALID, aclSetOutputTensorAddr(executor, 1, tx, y.address));
  CHECK_STATUS(ACLNN_ERR_INNER_NULLPTR, aclSetTensorAddr(nullptr, 0, tx, y.address));
  CHECK_STATUS(ACLNN_ERR_INNER_NULLPTR, aclSetTensorAddr(executor, 0, nullptr, y.address));
  CHECK_NO_VIOLATION();
  CHECK_OK(aclSetInputTensorAddr(executor, 0, ty, y.address));
  CHECK_VIOLATION("wrong-executor", "aclSetInputTensorAddr");
  CHECK_OK(aclDestroyAclOpExecutor(executor));
  CHECK_STATUS(ACLNN_ERR_INNER_NULLPTR, toy(workspace.address, size, executor, stream));
  CHECK_VIOLATION("executor-reused", "toy");

  // Refused by operators that cannot; impossible after phase 2.
  CHECK_OK(toyGetWorkspaceSize(tx, nullptr, tout, 2, &size, &executor, false));
  CHECK_STATUS(ACLNN_ERR_INNER, aclSetAclOpExecutorRepeatable(executor));
  execute();
  CHECK_STATUS(ACLNN_ERR_INNER_NULLPTR, aclSetAclOpExecutorRepeatable(executor));
  CHECK_VIOLATION("destroyed-handle", "aclSetAclOpExecutorRepeatable");

  // The raw address must not change between the phases.
  CHECK_OK(aclSetRawTensorAddr(tx, x.address));
  CHECK_OK(toyGetWorkspaceSize(tx, nullptr, tout, 2, &size, &executor));
  CHECK_NO_VIOLATION();
  CHECK_OK(aclSetRawTensorAddr(tx, x.address));
  CHECK_VIOLATION("address-update", "aclSetRawTensorAddr");
  execute();

  // Members of a list.
  {
    const aclTensor *members[] = {aclCreateTensor(emulator::get(tx).shape.data(), 1, ACL_INT32, nullptr, 0, ACL_FORMAT_ND, nullptr, 0, x.address)};
    aclTensorList *list = aclCreateTensorList(members, 1);
    CHECK_OK(emulator::planOp("toyGetWorkspaceSize", &size, &executor, [&]() -> Plan {
      return {{list}, {tout.tensor}, 0, [](const Views &in, const Views &out, std::byte *) {
                for (int i = 0; i < 2; ++i) *element(out[0], i) = *element(in[0], i);
              }};
    }));
    CHECK_OK(aclSetAclOpExecutorRepeatable(executor));
    CHECK_OK(aclSetDynamicInputTensorAddr(executor, 0, 0, list, y.address));
    CHECK_OK(toy(nullptr, 0, executor, stream));
    CHECK_OK(aclrtSynchronizeStream(stream));
    CHECK(download(out, 2) == (Ints{30, 40}));
    CHECK_STATUS(ACLNN_ERR_PARAM_INVALID, aclSetDynamicInputTensorAddr(executor, 0, 1, list, y.address));
    CHECK_STATUS(ACLNN_ERR_PARAM_INVALID, aclSetDynamicTensorAddr(executor, 2, 0, list, y.address));
    CHECK_OK(aclDestroyAclOpExecutor(executor));
    CHECK_OK(aclDestroyTensorList(list));
  }

  // Captured operators run when the graph does, with the addresses of the capture.
  {
    aclmdlRI graph = nullptr;
    CHECK_OK(aclmdlRICaptureBegin(stream, ACL_MODEL_RI_CAPTURE_MODE_GLOBAL));
    CHECK_OK(toyGetWorkspaceSize(tx, ty, tout, 10, &size, &executor));
    CHECK_OK(toy(workspace.address, size, executor, stream));
    CHECK_OK(aclmdlRICaptureEnd(stream, &graph));
    CHECK_OK(aclSetRawTensorAddr(tx, y.address));  // too late to matter
    for (int32_t round = 1; round <= 3; ++round) {
      upload(x, {round, -round});
      CHECK_OK(aclmdlRIExecuteAsync(graph, stream));
      CHECK_OK(aclrtSynchronizeStream(stream));
      CHECK(download(out, 2) == (Ints{30 + 10 * round, 40 - 10 * round}));
    }
    CHECK_OK(aclmdlRIDestroy(graph));
  }
  return 0;
}
