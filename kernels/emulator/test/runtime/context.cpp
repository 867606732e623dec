// Contexts are per thread; devices are counted; options.
#include "session.h"

int main() {
  setenv("ASCEND_EMULATOR_DEVICES", "3", 1);
  setenv("ASCEND_RT_VISIBLE_DEVICES", "2,0", 1);
  void *memory = nullptr;
  {
    Session session;
    uint32_t count = 0;
    CHECK_OK(aclrtGetDeviceCount(&count));
    CHECK(count == 2);
    CHECK_STATUS(ACL_ERROR_RT_INVALID_DEVICEID, aclrtSetDevice(2));

    // A thread has no context until it sets one; the default context of a device is shared.
    aclrtContext mine = nullptr;
    CHECK_OK(aclrtGetCurrentContext(&mine));
    inThread([&] {
      aclrtContext theirs = nullptr;
      size_t free, total;
      CHECK_STATUS(ACL_ERROR_RT_CONTEXT_NULL, aclrtGetCurrentContext(&theirs));
      CHECK_STATUS(ACL_ERROR_RT_CONTEXT_NULL, aclrtMalloc(&memory, 64, ACL_MEM_MALLOC_HUGE_FIRST));
      CHECK_STATUS(ACL_ERROR_RT_CONTEXT_NULL, aclrtMallocHost(&memory, 64));
      CHECK_STATUS(ACL_ERROR_RT_CONTEXT_NULL, aclrtGetMemInfo(ACL_HBM_MEM, &free, &total));
      CHECK_STATUS(ACL_ERROR_RT_CONTEXT_NULL, aclrtSynchronizeStream(nullptr));
      CHECK_OK(aclrtSetDevice(0));
      CHECK_OK(aclrtGetCurrentContext(&theirs));
      CHECK(theirs == mine);
      CHECK_OK(aclrtResetDevice(0));
    });
    CHECK_OK(aclrtSynchronizeDevice());  // the other thread's reset only took its own reference

    // Another context: its streams are foreign here.
    aclrtContext other = nullptr;
    aclrtStream foreign = nullptr;
    int32_t device = -1;
    CHECK_OK(aclrtCreateContext(&other, 1));
    CHECK_OK(aclrtGetDevice(&device));
    CHECK(device == 1);
    CHECK_OK(aclrtCreateStream(&foreign));
    CHECK_OK(aclrtSetCurrentContext(mine));
    CHECK_STATUS(ACL_ERROR_RT_STREAM_CONTEXT, aclrtSynchronizeStream(foreign));
    CHECK_STATUS(ACL_ERROR_RT_STREAM_CONTEXT, aclrtDestroyStream(foreign));
    CHECK_STATUS(ACL_ERROR_INVALID_PARAM, aclrtDestroyContext(mine));
    CHECK_OK(aclrtSetCurrentContext(other));
    CHECK_OK(aclrtDestroyStream(foreign));
    CHECK_OK(aclrtDestroyContext(other));
    CHECK_STATUS(ACL_ERROR_RT_CONTEXT_NULL, aclrtSynchronizeDevice());
    CHECK_OK(aclrtSetCurrentContext(mine));
    CHECK_NO_VIOLATION();
    CHECK_STATUS(ACL_ERROR_RT_CONTEXT_NULL, aclrtSetCurrentContext(other));
    CHECK_VIOLATION("destroyed-handle", "aclrtSetCurrentContext");

    // Devices count their references.
    CHECK_OK(aclrtSetDevice(0));
    CHECK_OK(aclrtResetDevice(0));
    CHECK_OK(aclrtSynchronizeDevice());
    CHECK_STATUS(ACL_ERROR_RT_INVALID_DEVICEID, aclrtResetDevice(1));

    int64_t value = -1;
    CHECK_STATUS(ACL_ERROR_RT_SYSPARAMOPT_NOT_SET, aclrtCtxGetSysParamOpt(ACL_OPT_DETERMINISTIC, &value));
    CHECK_OK(aclrtCtxSetSysParamOpt(ACL_OPT_DETERMINISTIC, 1));
    CHECK_OK(aclrtCtxGetSysParamOpt(ACL_OPT_DETERMINISTIC, &value));
    CHECK(value == 1);
    CHECK_OK(aclrtGetSysParamOpt(ACL_OPT_DETERMINISTIC, &value));
    CHECK(value == 0);
    CHECK_OK(aclrtGetDeviceInfo(0, ACL_DEV_ATTR_CUBE_CORE_NUM, &value));
    CHECK(value == 20);
  }
  return 0;
}
