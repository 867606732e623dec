// libmsprofiler.so: the calls around CANN's profiler, their order and their errors. It profiles nothing: a result
// is one file that says so, with the emulator's report at the start and at the stop.
//
// From the documentation of aclprofInit and its like (runtime 8.5) and the source of the profiler: 100002 for a
// second aclprofInit, 100043 for what comes before it, 100003 for a folder that cannot be made, 100000 for NULL.
// Assumptions: 100001 before aclInit; 100042 for a device that is started twice, 100010 for a stop with other data
// types than the start; a length that is not the path's is refused.
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <map>
#include <set>
#include <vector>

#include "../common/config.h"
#include "../common/handles.h"
#include "../runtime/init.h"
#include "ascend_emulator.h"

namespace emulator {
namespace {

struct ProfilerConfig {
  std::vector<uint32_t> devices;
  uint64_t dataTypes;
};

HandleTable<ProfilerConfig> &configs = *new HandleTable<ProfilerConfig>("profiler-config", ACL_ERROR_INVALID_PARAM);

constexpr size_t longestPath = 4096;

struct Running {
  uint64_t dataTypes;
  std::string reportAtStart;
};

std::mutex mutex;  // guards everything below
bool isInitialised = false;
std::string folder;
std::map<std::vector<uint32_t>, Running> running;
unsigned results = 0;

void requireProfiler() {
  if (!isInitialised) throw Failure(ACL_ERROR_PROF_NOT_RUN, "aclprofInit was not called");
}

// With the folders above it.
void makeFolder(const std::string &path) {
  for (size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
    const std::string part = path.substr(0, end);
    struct stat status;
    if (mkdir(part.c_str(), 0750) != 0 && !(stat(part.c_str(), &status) == 0 && S_ISDIR(status.st_mode)))
      throw Failure(ACL_ERROR_INVALID_FILE, "cannot make the folder " + part + ": " + strerror(errno));
    if (end == std::string::npos) break;
  }
  if (access(path.c_str(), W_OK) != 0) throw Failure(ACL_ERROR_INVALID_FILE, "cannot write to " + path);
}

std::string report() {
  std::string text(ascendEmulatorReport(nullptr, 0) + 1, '\0');
  text.resize(std::min(ascendEmulatorReport(&text[0], text.size()), text.size() - 1));
  return text;
}

void writeResult(const std::vector<uint32_t> &devices, const Running &run) {
  const std::string result = folder + "/PROF_emulator_" + std::to_string(getpid()) + "_" + std::to_string(++results);
  makeFolder(result);
  std::ofstream file(result + "/emulator.json");
  file << "{\"emulator\":true,\"note\":\"The Ascend emulator has no profiler: this folder is in place of its results.\","
       << "\"devices\":[";
  for (size_t i = 0; i < devices.size(); ++i) file << (i ? "," : "") << devices[i];
  file << "],\"dataTypeConfig\":" << run.dataTypes << ",\"atStart\":" << run.reportAtStart
       << ",\"atStop\":" << report() << "}\n";
  if (!file.flush()) throw Failure(ACL_ERROR_WRITE_FILE, "cannot write " + result + "/emulator.json");
}

}  // namespace
}  // namespace emulator

using namespace emulator;

extern "C" {

aclError aclprofInit(const char *profilerResultPath, size_t length) {
  return call(__func__, [&] {
    requireArgument(profilerResultPath, "profilerResultPath is NULL");
    requireArgument(length > 0 && length <= longestPath, "length must be 1 to 4096");
    requireArgument(strnlen(profilerResultPath, length + 1) == length, "length is not that of profilerResultPath");
    if (!initialised()) throw Failure(ACL_ERROR_UNINITIALIZE, "aclInit was not called");
    std::lock_guard<std::mutex> lock(mutex);
    if (isInitialised) throw Failure(ACL_ERROR_REPEAT_INITIALIZE, "the profiler is initialised already");
    makeFolder(profilerResultPath);
    folder = profilerResultPath;
    isInitialised = true;
  });
}

aclError aclprofFinalize() {
  return call(__func__, [] {
    std::lock_guard<std::mutex> lock(mutex);
    requireProfiler();
    running.clear();
    isInitialised = false;
  });
}

aclprofConfig *aclprofCreateConfig(uint32_t *deviceIdList, uint32_t deviceNums, aclprofAicoreMetrics aicoreMetrics,
                                   const aclprofAicoreEvents *aicoreEvents, uint64_t dataTypeConfig) {
  return callForPointer(__func__, [&] {
    requireArgument(deviceIdList && deviceNums > 0, "there is no device");
    requireArgument(!aicoreEvents, "aicoreEvents must be NULL");
    requireArgument(aicoreMetrics == ACL_AICORE_NONE || (aicoreMetrics >= 0 && aicoreMetrics <= ACL_AICORE_MEMORY_ACCESS),
                    "unknown aicoreMetrics");
    const std::set<uint32_t> devices(deviceIdList, deviceIdList + deviceNums);
    requireArgument(devices.size() == deviceNums, "a device is there twice");
    requireArgument(*devices.rbegin() < emulator::config().devices, "there is no such device");
    auto made = std::make_shared<ProfilerConfig>();
    made->devices.assign(devices.begin(), devices.end());
    made->dataTypes = dataTypeConfig;
    return reinterpret_cast<aclprofConfig *>(configs.add(std::move(made)));
  });
}

aclError aclprofDestroyConfig(const aclprofConfig *profilerConfig) {
  return call(__func__, [&] {
    requireArgument(profilerConfig, "profilerConfig is NULL");
    configs.remove(profilerConfig);
  });
}

aclError aclprofStart(const aclprofConfig *profilerConfig) {
  return call(__func__, [&] {
    requireArgument(profilerConfig, "profilerConfig is NULL");
    const auto wanted = configs.require(profilerConfig);
    std::lock_guard<std::mutex> lock(mutex);
    requireProfiler();
    for (const auto &[devices, run] : running)
      for (const uint32_t device : devices)
        if (std::count(wanted->devices.begin(), wanted->devices.end(), device) > 0)
          throw Failure(ACL_ERROR_PROF_ALREADY_RUN, "device " + std::to_string(device) + " is profiled already");
    running[wanted->devices] = {wanted->dataTypes, report()};
  });
}

aclError aclprofStop(const aclprofConfig *profilerConfig) {
  return call(__func__, [&] {
    requireArgument(profilerConfig, "profilerConfig is NULL");
    const auto wanted = configs.require(profilerConfig);
    std::lock_guard<std::mutex> lock(mutex);
    requireProfiler();
    const auto found = running.find(wanted->devices);
    if (found == running.end()) throw Failure(ACL_ERROR_PROF_NOT_RUN, "these devices are not profiled");
    if (found->second.dataTypes != wanted->dataTypes)
      throw Failure(ACL_ERROR_INVALID_PROFILING_CONFIG, "dataTypeConfig is not that of aclprofStart");
    const Running run = found->second;
    running.erase(found);
    writeResult(wanted->devices, run);
  });
}

}  // extern "C"
