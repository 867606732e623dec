// Fault injection on the n-th call and from the environment; test/opapi/injection.cpp walks all functions.
#include "session.h"

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

  // Calls of one device among others.
  ascendEmulatorSetDeviceCount(2);
  {
    Session session;
    CHECK_OK(aclrtSetDevice(1));
    ascendEmulatorReset();
    ascendEmulatorFailCall("aclrtMalloc@0", 2, ACL_ERROR_RT_MEMORY_ALLOCATION);
    {
      DeviceBuffer first(8), second(8), third(8);
      CHECK(ascendEmulatorCallCount("aclrtMalloc@0") == 0 && ascendEmulatorCallCount("aclrtMalloc@1") == 3);
    }
    CHECK_OK(aclrtResetDevice(1));
    CHECK_OK(aclrtSetDevice(0));
    DeviceBuffer first(8);
    void *second = nullptr;
    CHECK_STATUS(ACL_ERROR_RT_MEMORY_ALLOCATION, aclrtMalloc(&second, 8, ACL_MEM_MALLOC_HUGE_FIRST));
    DeviceBuffer third(8);
    CHECK(ascendEmulatorCallCount("aclrtMalloc@0") == 3 && ascendEmulatorCallCount("aclrtMalloc") == 6);
    ascendEmulatorReset();
    CHECK(ascendEmulatorCallCount("aclrtMalloc@0") == 0);
    CHECK_OK(aclrtResetDevice(0));
  }
  return 0;
}
