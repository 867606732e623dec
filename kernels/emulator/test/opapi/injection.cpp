// Every function that the three libraries export: each can be made to fail, is counted and leaves an error text with
// its name; and each survives arguments of zero.
#include <dlfcn.h>

#include <string>

#include "op.h"

namespace {

bool failed(aclError status, aclError code) { return status == code; }
bool failed(const void *result, aclError) { return result == nullptr; }

// Pointers to functions, since two hundred pairs of std::function take a minute to compile.
struct Exported {
  std::string name;
  bool (*fails)(aclError code);
  void (*call)();
};

// abi.json has operators that the emulator has not: what no library exports is left out.
std::vector<Exported> exportedFunctions() {
  std::vector<Exported> all;
  const auto add = [&all](const char *name, const void *found, bool (*fails)(aclError code), void (*call)()) {
    if (found) all.push_back({name, fails, call});
  };
#define ACL_CALL(library, name, expression)                                                    \
  static const auto name##_ = reinterpret_cast<decltype(&::name)>(dlsym(RTLD_DEFAULT, #name)); \
  add(                                                                                         \
      #name, reinterpret_cast<const void *>(name##_),                                          \
      [](aclError code) {                                                                      \
        const auto name = name##_;                                                             \
        return failed(expression, code);                                                       \
      },                                                                                       \
      [] {                                                                                     \
        const auto name = name##_;                                                             \
        (void)expression;                                                                      \
      });
#include "acl_calls.inc"
  return all;
}

// Phase 2 that fails ends a one-shot executor and leaves a repeatable one.
void phaseTwo() {
  const Device x(ACL_FLOAT, {2}, {1, 2}), out(ACL_FLOAT, {2});
  StreamHandle stream;
  uint64_t size = 0;
  aclOpExecutor *executor = nullptr;
  ascendEmulatorFailCall("aclnnTanh", 1, 507899);
  CHECK_OK(aclnnTanhGetWorkspaceSize(x, out, &size, &executor));
  CHECK_STATUS(507899, aclnnTanh(nullptr, size, executor, stream));
  CHECK(ascendEmulatorLiveObjects("executor") == 0);
  CHECK_STATUS(ACLNN_ERR_INNER_NULLPTR, aclnnTanh(nullptr, size, executor, stream));
  CHECK_VIOLATION("executor-reused", "aclnnTanh");

  CHECK_OK(aclnnTanhGetWorkspaceSize(x, out, &size, &executor));
  CHECK_OK(aclSetAclOpExecutorRepeatable(executor));
  ascendEmulatorFailCall("aclnnTanh", 1, 507899);
  CHECK_STATUS(507899, aclnnTanh(nullptr, size, executor, stream));
  CHECK_OK(aclnnTanh(nullptr, size, executor, stream));
  CHECK_OK(aclrtSynchronizeStream(stream));
  CHECK_CLOSE(out, (Values{std::tanh(1.0), std::tanh(2.0)}), 2);
  CHECK_OK(aclDestroyAclOpExecutor(executor));

  // Other functions that fail on request do nothing: what was to be destroyed is alive.
  CHECK_OK(aclnnTanhGetWorkspaceSize(x, out, &size, &executor));
  ascendEmulatorFailCall("aclDestroyAclOpExecutor", 1, 507899);
  CHECK_STATUS(507899, aclDestroyAclOpExecutor(executor));
  CHECK_OK(aclDestroyAclOpExecutor(executor));
}

}  // namespace

int main() {
  const std::vector<Exported> functions = exportedFunctions();
  CHECK(functions.size() == 103 + 2 + 2 * 41);  // 2 sizes of weights, 41 operators
  {
    Session session;
    phaseTwo();
    for (const Exported &function : functions) {
      while (aclGetRecentErrMsg()) {
      }
      ascendEmulatorReset();
      ascendEmulatorFailCall(function.name.c_str(), 1, 507899);
      CHECK(function.fails(507899));
      CHECK(ascendEmulatorCallCount(function.name.c_str()) == 1);
      if (function.name == "aclGetRecentErrMsg") continue;
      const char *text = aclGetRecentErrMsg();
      if (text && strstr(text, (function.name + " (call").c_str())) continue;
      fprintf(stderr, "%s left no error text with its name: %s\n", function.name.c_str(), text ? text : "none");
      return 1;
    }
  }
  // Zero is no handle, no address and no size: nothing crashes, neither without nor with a device. What it makes of
  // nothing, such as a tensor of rank 0, is not destroyed.
  for (const Exported &function : functions) function.call();
  CHECK_OK(aclInit(nullptr));
  for (const Exported &function : functions) {
    CHECK_OK(aclrtSetDevice(0));
    function.call();
    const aclError status = aclInit(nullptr);  // aclFinalize has no arguments to be wrong about
    CHECK(status == ACL_SUCCESS || status == ACL_ERROR_REPEAT_INITIALIZE);
  }
  return 0;
}
