// The environment variables, and the report of a process that ends without finalising.
#include <sys/wait.h>
#include <unistd.h>

#include "session.h"

int main() {
  setenv("ASCEND_EMULATOR_DEVICES", "2", 1);
  setenv("ASCEND_EMULATOR_MEMORY", "1048576", 1);
  setenv("ASCEND_EMULATOR_POISON", "0", 1);
  setenv("ASCEND_EMULATOR_REPORT", "config-report.json", 1);

  const pid_t child = fork();
  if (child == 0) {
    CHECK_OK(aclInit(nullptr));
    CHECK_OK(aclrtSetDevice(1));
    exit(0);
  }
  int status = -1;
  CHECK(waitpid(child, &status, 0) == child && status == 0);
  FILE *file = fopen("config-report.json", "r");
  CHECK(file);
  char text[4096] = "";
  CHECK(fread(text, 1, sizeof text - 1, file) > 0);
  fclose(file);
  CHECK(strstr(text, "\"aclrtSetDevice\":1") && strstr(text, "\"violationCount\":0"));

  // What is no number is said to be none, and ignored; so is the rest of a list of failures that is none.
  const pid_t confused = fork();
  if (confused == 0) {
    setenv("ASCEND_EMULATOR_DEVICES", "two", 1);
    setenv("ASCEND_EMULATOR_FAIL", "aclrtGetDevice:1:107000;aclrtMalloc", 1);
    freopen("config-stderr.txt", "w", stderr);
    CHECK_OK(aclInit(nullptr));
    uint32_t devices = 0;
    CHECK_OK(aclrtGetDeviceCount(&devices));
    CHECK(devices == 1);
    int32_t device = 0;
    CHECK_STATUS(107000, aclrtGetDevice(&device));
    exit(0);
  }
  CHECK(waitpid(confused, &status, 0) == confused && status == 0);
  file = fopen("config-stderr.txt", "r");
  CHECK(file);
  memset(text, 0, sizeof text);
  CHECK(fread(text, 1, sizeof text - 1, file) > 0);
  fclose(file);
  remove("config-stderr.txt");
  CHECK(strstr(text, "ASCEND_EMULATOR_DEVICES=two is not a whole number") && strstr(text, "from \";aclrtMalloc\" on"));

  {
    Session session;
    uint32_t devices = 0;
    size_t free = 0, total = 0;
    unsigned char byte = 1;
    CHECK_OK(aclrtGetDeviceCount(&devices));
    CHECK(devices == 2);
    CHECK_OK(aclrtGetMemInfo(ACL_HBM_MEM, &free, &total));
    CHECK(total == kMiB);
    DeviceBuffer buffer(64);
    CHECK_OK(aclrtMemcpy(&byte, 1, buffer.address, 1, ACL_MEMCPY_DEVICE_TO_HOST));
    CHECK(byte == 0);  // not poisoned
    ascendEmulatorSetDeviceCount(1);
    CHECK_STATUS(ACL_ERROR_RT_INVALID_DEVICEID, aclrtSetDevice(1));
  }
  remove("config-report.json");
  return 0;
}
