// What is alive at the end is reported with the call that made it; so is what a device reset takes away.
#include "session.h"

int main() {
  setenv("ASCEND_EMULATOR_REPORT", "leak-report.json", 1);
  CHECK_OK(aclInit(nullptr));
  CHECK_OK(aclrtSetDevice(0));
  void *memory = nullptr;
  aclrtStream stream = nullptr;
  aclrtEvent event = nullptr;

  CHECK_OK(aclrtCreateStream(&stream));
  CHECK_OK(aclrtResetDeviceForce(0));
  CHECK_VIOLATION("leak", "aclrtCreateStream");
  CHECK_OK(aclrtSetDevice(0));
  CHECK_OK(aclrtCreateEvent(&event));
  CHECK_OK(aclrtResetDevice(0));
  CHECK_VIOLATION("leak", "aclrtCreateEvent");
  CHECK_OK(aclrtSetDevice(0));
  CHECK_OK(aclrtMalloc(&memory, 64, ACL_MEM_MALLOC_HUGE_FIRST));
  CHECK_OK(aclrtResetDevice(0));
  CHECK_VIOLATION("leak", "aclrtMalloc");

  // A reset takes the default stream with it: its work must have been synchronised with.
  CHECK_OK(aclrtSetDevice(0));
  CHECK_OK(aclrtMallocHost(&memory, 64));
  CHECK_OK(aclrtMemsetAsync(memory, 64, 0, 64, nullptr));
  CHECK_OK(aclrtResetDevice(0));
  CHECK_VIOLATION("stream-in-flight", "aclrtResetDevice");
  CHECK_OK(aclrtSetDevice(0));
  CHECK_OK(aclrtFreeHost(memory));
  CHECK_OK(aclrtResetDevice(0));
  CHECK_NO_VIOLATION();

  // Leaving the device set is tolerated, leaving objects is not.
  CHECK_OK(aclrtSetDevice(0));
  CHECK_OK(aclrtMalloc(&memory, 64, ACL_MEM_MALLOC_HUGE_FIRST));
  CHECK(ascendEmulatorLiveObjects("device-memory") == 1);
  CHECK_OK(aclFinalize());
  CHECK_VIOLATION("leak", "aclrtMalloc");

  FILE *file = fopen("leak-report.json", "r");
  CHECK(file);
  char text[4096] = "";
  CHECK(fread(text, 1, sizeof text - 1, file) > 0);
  fclose(file);
  remove("leak-report.json");
  CHECK(strncmp(text, "{\"emulator\":true,", 17) == 0 && strstr(text, "\"kind\":\"leak\""));

  // Once is enough.
  CHECK_OK(aclInit(nullptr));
  CHECK_OK(aclFinalize());
  CHECK_NO_VIOLATION();
  remove("leak-report.json");

  CHECK_OK(aclInit(nullptr));
  CHECK_OK(aclrtFree(memory));
  CHECK_OK(aclrtMallocHost(&memory, 64));
  CHECK_OK(aclFinalize());
  CHECK_VIOLATION("leak", "aclrtMallocHost");
  remove("leak-report.json");
  return 0;
}
