// Whether the process is initialised; aclInit and aclnnInit both count.
#pragma once
#include "../common/call.h"

namespace emulator {

EMULATOR_API bool initialised();
EMULATOR_API void initialiseAclnn();
EMULATOR_API void finaliseAclnn();

// A NULL or otherwise meaningless argument of the runtime: 100000.
inline void requireArgument(bool valid, const char *message) {
  if (!valid) throw Failure(ACL_ERROR_INVALID_PARAM, message);
}

}  // namespace emulator
