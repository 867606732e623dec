// aclInit and its counting, error text and last error, version information; in C, as a C program would.
#include "check.h"

int main(void) {
  int32_t major, minor, patch;
  uint64_t count = 99;

  // Nothing works before aclInit.
  CHECK_STATUS(ACL_ERROR_UNINITIALIZE, aclrtSetDevice(0));
  CHECK_STATUS(ACL_ERROR_REPEAT_FINALIZE, aclFinalize());

  CHECK_STATUS(ACL_ERROR_INVALID_FILE, aclInit("/nonexistent/acl.json"));
  CHECK_OK(aclInit(NULL));
  CHECK_STATUS(ACL_ERROR_REPEAT_INITIALIZE, aclInit(NULL));  // and counts
  CHECK_OK(aclFinalizeReference(&count));
  CHECK(count == 1);
  CHECK_OK(aclrtSetDevice(0));
  CHECK_OK(aclrtResetDevice(0));
  CHECK_OK(aclFinalizeReference(&count));
  CHECK(count == 0);
  CHECK_STATUS(ACL_ERROR_UNINITIALIZE, aclrtSetDevice(0));

  // One finalise undoes any number of inits.
  CHECK_OK(aclInit(NULL));
  CHECK_STATUS(ACL_ERROR_REPEAT_INITIALIZE, aclInit(NULL));
  CHECK_OK(aclFinalize());
  CHECK_STATUS(ACL_ERROR_REPEAT_FINALIZE, aclFinalize());

  // A configuration other than the first one's is refused.
  char path[] = "acl-config-XXXXXX";
  FILE *file = fopen(path, "w");
  CHECK(file);
  fputs("{}", file);
  fclose(file);
  CHECK_STATUS(ACL_ERROR_INVALID_PARAM, aclInit(path));
  remove(path);

  // The text names the function, is newest first, and is handed out once.
  CHECK_OK(aclInit(NULL));
  while (aclGetRecentErrMsg()) {
  }
  CHECK(aclrtMalloc(NULL, 1, ACL_MEM_MALLOC_HUGE_FIRST) == ACL_ERROR_INVALID_PARAM);
  CHECK(aclrtSetDevice(-1) == ACL_ERROR_RT_INVALID_DEVICEID);
  const char *text = aclGetRecentErrMsg();
  CHECK(text && strstr(text, "aclrtSetDevice") && strstr(text, "aclrtMalloc"));
  CHECK(strstr(text, "aclrtSetDevice") < strstr(text, "aclrtMalloc"));
  CHECK(aclGetRecentErrMsg() == NULL);

  CHECK(aclrtPeekAtLastError(ACL_RT_THREAD_LEVEL) == ACL_ERROR_RT_INVALID_DEVICEID);
  CHECK(aclrtGetLastError(ACL_RT_THREAD_LEVEL) == ACL_ERROR_RT_INVALID_DEVICEID);
  CHECK(aclrtGetLastError(ACL_RT_THREAD_LEVEL) == 0);

  CHECK(strcmp(aclrtGetSocName(), "Ascend910B3") == 0);
  CHECK_OK(aclrtGetVersion(&major, &minor, &patch));
  aclCANNPackageVersion version;
  CHECK(sizeof version == 512);
  CHECK_OK(aclsysGetCANNVersion(ACL_PKG_NAME_CANN, &version));
  CHECK(strstr(version.version, "emulator"));
  CHECK_OK(aclFinalize());
  CHECK_NO_VIOLATION();
  return 0;
}
