// The profiler's calls: their order, their errors, and what a result says.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

#include "../runtime/session.h"

static std::string contentOf(const std::string &path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

int main() {
  char name[] = "/tmp/ascend-emulator-XXXXXX";
  CHECK(mkdtemp(name));
  const std::string root = name, folder = root + "/a/b";
  const auto init = [](const std::string &path) { return aclprofInit(path.c_str(), path.size()); };
  uint32_t devices[2] = {0, 0};
  const uint64_t times = ACL_PROF_ACL_API | ACL_PROF_TASK_TIME;

  CHECK_STATUS(ACL_ERROR_UNINITIALIZE, init(folder));
  {
    Session session;
    CHECK_STATUS(ACL_ERROR_PROF_NOT_RUN, aclprofFinalize());
    CHECK_STATUS(ACL_ERROR_INVALID_PARAM, aclprofInit(nullptr, 3));
    CHECK_STATUS(ACL_ERROR_INVALID_PARAM, aclprofInit("abc", 0));
    CHECK_STATUS(ACL_ERROR_INVALID_PARAM, aclprofInit("abc", 2));
    CHECK_STATUS(ACL_ERROR_INVALID_PARAM, aclprofInit("abc", 4097));
    CHECK_STATUS(ACL_ERROR_INVALID_FILE, init("/dev/null/a"));

    CHECK(!aclprofCreateConfig(nullptr, 1, ACL_AICORE_NONE, nullptr, times));
    CHECK(!aclprofCreateConfig(devices, 0, ACL_AICORE_NONE, nullptr, times));
    CHECK(!aclprofCreateConfig(devices, 2, ACL_AICORE_NONE, nullptr, times));
    CHECK(!aclprofCreateConfig(devices, 1, static_cast<aclprofAicoreMetrics>(9), nullptr, times));
    devices[0] = 1;
    CHECK(!aclprofCreateConfig(devices, 1, ACL_AICORE_NONE, nullptr, times));
    devices[0] = 0;
    aclprofConfig *config = aclprofCreateConfig(devices, 1, ACL_AICORE_NONE, nullptr, times);
    aclprofConfig *other = aclprofCreateConfig(devices, 1, ACL_AICORE_PIPE_UTILIZATION, nullptr, ACL_PROF_ACL_API);
    CHECK(config && other);
    CHECK(ascendEmulatorLiveObjects("profiler-config") == 2);
    CHECK_STATUS(ACL_ERROR_PROF_NOT_RUN, aclprofStart(config));
    CHECK_STATUS(ACL_ERROR_PROF_NOT_RUN, aclprofStop(config));

    CHECK_OK(init(folder));
    CHECK_STATUS(ACL_ERROR_REPEAT_INITIALIZE, init(folder));
    CHECK_STATUS(ACL_ERROR_INVALID_PARAM, aclprofStart(nullptr));
    CHECK_STATUS(ACL_ERROR_INVALID_PARAM, aclprofStop(nullptr));
    CHECK_STATUS(ACL_ERROR_PROF_NOT_RUN, aclprofStop(config));
    CHECK_OK(aclprofStart(config));
    CHECK_STATUS(ACL_ERROR_PROF_ALREADY_RUN, aclprofStart(other));
    { DeviceBuffer buffer(64); }
    CHECK_STATUS(ACL_ERROR_INVALID_PROFILING_CONFIG, aclprofStop(other));
    CHECK_OK(aclprofStop(config));
    CHECK_STATUS(ACL_ERROR_PROF_NOT_RUN, aclprofStop(config));

    const std::string result = folder + "/PROF_emulator_" + std::to_string(getpid()) + "_1";
    const std::string text = contentOf(result + "/emulator.json");
    CHECK(text.find("{\"emulator\":true,") == 0);
    CHECK(text.find("\"devices\":[0],\"dataTypeConfig\":3,\"atStart\":{") != std::string::npos);
    // The memory was allocated between start and stop.
    CHECK(text.find("\"aclrtMalloc\":1") > text.find("\"atStop\":{"));

    CHECK_OK(aclprofStart(other));
    CHECK_OK(aclprofFinalize());
    CHECK_STATUS(ACL_ERROR_PROF_NOT_RUN, aclprofStop(other));
    CHECK_STATUS(ACL_ERROR_INVALID_PARAM, aclprofDestroyConfig(nullptr));
    CHECK_OK(aclprofDestroyConfig(other));
    CHECK_STATUS(ACL_ERROR_INVALID_PARAM, aclprofDestroyConfig(other));
    CHECK_VIOLATION("destroyed-handle", "aclprofDestroyConfig");
    ascendEmulatorFailCall("aclprofDestroyConfig", 1, ACL_ERROR_FAILURE);
    CHECK_STATUS(ACL_ERROR_FAILURE, aclprofDestroyConfig(config));
    CHECK_OK(aclprofDestroyConfig(config));
    // Init and finalise may come again.
    CHECK_OK(init(root));
    CHECK_OK(aclprofFinalize());
  }
  CHECK(std::system(("rm -r " + root).c_str()) == 0);
}
