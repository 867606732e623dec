// Every kind of object of libnnopbase that is alive at the end is reported with the call that made it.
#include "toy.h"

int main() {
  struct Kind {
    const char *name, *maker;
    std::function<void()> leak;
  };
  float one = 1;
  const int64_t dim = 1;
  const bool yes = true;
  void *memory = nullptr;
  const auto tensor = [&] { return aclCreateTensor(&dim, 1, ACL_INT32, nullptr, 0, ACL_FORMAT_ND, &dim, 1, memory); };
  const std::vector<Kind> kinds = {
      {"tensor", "aclCreateTensor", [&] { tensor(); }},
      {"scalar", "aclCreateScalar", [&] { aclCreateScalar(&one, ACL_FLOAT); }},
      {"int-array", "aclCreateIntArray", [&] { aclCreateIntArray(&dim, 1); }},
      {"float-array", "aclCreateFloatArray", [&] { aclCreateFloatArray(&one, 1); }},
      {"bool-array", "aclCreateBoolArray", [&] { aclCreateBoolArray(&yes, 1); }},
      {"tensor-list", "aclCreateTensorList", [&] { aclCreateTensorList(nullptr, 0); }},
      {"scalar-list", "aclCreateScalarList", [&] { aclCreateScalarList(nullptr, 0); }},
      {"executor", "toyGetWorkspaceSize",
       [&] {
         uint64_t size;
         aclOpExecutor *executor;
         aclTensor *x = tensor();
         CHECK_OK(aclrtSetDevice(0));
         CHECK_OK(toyGetWorkspaceSize(x, nullptr, x, 1, &size, &executor));
         CHECK_OK(aclrtResetDevice(0));
         CHECK_OK(aclDestroyTensor(x));
       }},
  };
  for (const Kind &kind : kinds) {
    const uint64_t before = ascendEmulatorLiveObjects(kind.name);
    CHECK_OK(aclInit(nullptr));
    kind.leak();
    CHECK(ascendEmulatorLiveObjects(kind.name) == before + 1);
    CHECK_OK(aclFinalize());
    CHECK_VIOLATION("leak", kind.maker);
  }
  return 0;
}
