// aclInit, aclFinalize and the check for leaks at the end. Of aclInit's configuration file only the presence
// and the sameness are checked.
#include "init.h"

#include <atomic>
#include <fstream>
#include <mutex>
#include <optional>
#include <sstream>

#include "../common/error_text.h"
#include "../common/handles.h"
#include "../common/ledger.h"
#include "device_memory.h"

namespace emulator {
namespace {

std::mutex mutex;
std::atomic<uint64_t> aclCount{0}, aclnnCount{0};  // changed with the lock held
std::optional<std::string> firstConfig;

std::string contentOf(const char *path) {
  if (!path) return "";
  std::ifstream file(path);
  if (!file) throw Failure(ACL_ERROR_INVALID_FILE, std::string("cannot read the configuration ") + path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

void shutDown() {
  for (AnyHandleTable *table : AnyHandleTable::all()) table->reportLeaks();
  reportMemoryLeaks();
  writeReport();
}

// A process that ends without finalising still gets its report, without the search for leaks.
__attribute__((destructor)) void reportAtExit() {
  if (initialised()) writeReport();
}

}  // namespace

bool initialised() { return aclCount > 0 || aclnnCount > 0; }

void initialiseAclnn() {
  std::lock_guard<std::mutex> lock(mutex);
  ++aclnnCount;
}

// The runtime's own finalise looks for leaks when both are used.
void finaliseAclnn() {
  std::lock_guard<std::mutex> lock(mutex);
  if (aclnnCount > 0 && --aclnnCount == 0 && aclCount == 0) shutDown();
}

}  // namespace emulator

using namespace emulator;

extern "C" {

aclError aclInit(const char *configPath) {
  return call(__func__, [&] {
    std::lock_guard<std::mutex> lock(mutex);
    if (aclCount++ > 0) throw Failure(ACL_ERROR_REPEAT_INITIALIZE, "already initialised");
    try {
      const std::string config = contentOf(configPath);
      if (firstConfig.value_or(config) != config)
        throw Failure(ACL_ERROR_INVALID_PARAM, "the configuration differs from the one of the first aclInit");
      firstConfig = config;
    } catch (...) {
      aclCount = 0;
      throw;
    }
  });
}

aclError aclFinalize() {
  return call(__func__, [] {
    std::lock_guard<std::mutex> lock(mutex);
    if (aclCount == 0) throw Failure(ACL_ERROR_REPEAT_FINALIZE, "not initialised, or finalised before");
    aclCount = 0;
    shutDown();
  });
}

aclError aclFinalizeReference(uint64_t *refCount) {
  return call(__func__, [&] {
    std::lock_guard<std::mutex> lock(mutex);
    if (aclCount == 0) throw Failure(ACL_ERROR_REPEAT_FINALIZE, "not initialised, or finalised before");
    if (--aclCount == 0) shutDown();
    if (refCount) *refCount = aclCount;
  });
}

const char *aclGetRecentErrMsg() {
  return callForPointer(__func__, [] { return takeErrorText(); });
}

aclError aclrtPeekAtLastError(aclrtLastErrLevel level) {
  aclError last = ACL_SUCCESS;
  const aclError status = call(__func__, [&] {
    requireArgument(level == ACL_RT_THREAD_LEVEL, "level must be ACL_RT_THREAD_LEVEL");
    last = lastError();
  });
  return status == ACL_SUCCESS ? last : status;
}

aclError aclrtGetLastError(aclrtLastErrLevel level) {
  aclError last = ACL_SUCCESS;
  const aclError status = call(__func__, [&] {
    requireArgument(level == ACL_RT_THREAD_LEVEL, "level must be ACL_RT_THREAD_LEVEL");
    last = takeLastError();
  });
  return status == ACL_SUCCESS ? last : status;
}

}  // extern "C"
