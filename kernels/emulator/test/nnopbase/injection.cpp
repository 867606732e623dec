// Fault injection on every function of libnnopbase.so.
#include "../injection.h"

#include "../runtime/session.h"

#define ACL_CALL(library, name, call) ACL_CALL_##library(name, call)
#define ACL_CALL_ascendcl(name, call)
#define ACL_CALL_nnopbase(name, call) {"nnopbase", #name, [](aclError code) { return failed(call, code); }},
#define ACL_CALL_opapi(name, call)

int main() {
  const std::vector<InjectedCall> calls = {
#include "acl_calls.inc"
  };
  CHECK(calls.size() == 35);
  checkInjection(calls);
  return 0;
}
