// Threads that wait for several places of one stream: each wakes up at its own, whatever the others wait for.
#include <atomic>

#include "toy.h"

namespace {

void waitFor(aclrtStream stream) {
  CHECK_OK(aclrtSetDevice(0));
  CHECK_OK(aclrtSynchronizeStream(stream));
  CHECK_OK(aclrtResetDevice(0));
}

}  // namespace

int main() {
  Session session;
  StreamHandle stream;
  DeviceBuffer out(64);
  TensorHandle tout(out.address, {2});
  const aclrtStream handle = stream;
  std::atomic<bool> mayEnd{false};
  const auto enqueue = [&](bool blocks) {
    uint64_t size = 0;
    aclOpExecutor *executor = nullptr;
    CHECK_OK(emulator::planOp("toyGetWorkspaceSize", &size, &executor, [&]() -> Plan {
      return {{}, {tout.tensor}, 0, [&mayEnd, blocks](const Views &, const Views &, std::byte *) {
                while (blocks && !mayEnd) std::this_thread::yield();
              }};
    }));
    CHECK_OK(toy(nullptr, 0, executor, stream));
  };

  ascendEmulatorHold(1);
  enqueue(false);
  std::thread first([handle] { waitFor(handle); });
  settle();
  enqueue(true);
  std::thread second([handle] { waitFor(handle); });
  settle();
  ascendEmulatorHold(0);
  first.join();  // while the second task runs
  mayEnd = true;
  second.join();
  return 0;
}
