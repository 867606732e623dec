// Fault injection on every function of libascendcl.so, on the n-th call, and from the environment.
#include "../injection.h"

#include "session.h"

#define ACL_CALL(library, name, call) ACL_CALL_##library(name, call)
#define ACL_CALL_ascendcl(name, call) {"ascendcl", #name, [](aclError code) { return failed(call, code); }},
#define ACL_CALL_nnopbase(name, call)
#define ACL_CALL_opapi(name, call)

int main() {
  setenv("ASCEND_EMULATOR_FAIL", "aclrtGetRunMode:2:507000,aclrtMallocHost:1:207001", 1);
  {
    Session session;
    aclrtRunMode mode;
    void *host = nullptr;
    CHECK_OK(aclrtGetRunMode(&mode));
    CHECK_STATUS(507000, aclrtGetRunMode(&mode));
    CHECK_OK(aclrtGetRunMode(&mode));
    CHECK(mode == ACL_HOST);
    CHECK_STATUS(207001, aclrtMallocHost(&host, 64));

    ascendEmulatorFailCall("aclrtMalloc", 3, ACL_ERROR_RT_MEMORY_ALLOCATION);
    DeviceBuffer first(8), second(8);
    void *third = nullptr;
    CHECK_STATUS(ACL_ERROR_RT_MEMORY_ALLOCATION, aclrtMalloc(&third, 8, ACL_MEM_MALLOC_HUGE_FIRST));
    CHECK(third == nullptr);
    DeviceBuffer fourth(8);
    CHECK(ascendEmulatorCallCount("aclrtMalloc") == 4);
    ascendEmulatorReset();
    CHECK(ascendEmulatorCallCount("aclrtMalloc") == 0);
  }
  const std::vector<InjectedCall> calls = {
#include "acl_calls.inc"
  };
  CHECK(calls.size() == 68);  // all of init, device, context, stream, memory, event and graph
  checkInjection(calls);
  return 0;
}
