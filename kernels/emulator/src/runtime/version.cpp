// What the emulator says it is: an Ascend910B3 under CANN 8.5.0. The version texts carry ".emulator", so that no
// output can be mistaken for one of hardware.
// Assumptions: the numbers of aclrtGetVersion and the encoding of aclsysGetVersionNum are not documented.
#include <cstring>

#include "init.h"

using namespace emulator;

namespace {
constexpr char kVersion[] = "8.5.0.emulator";
}

extern "C" {

const char *aclrtGetSocName() {
  return callForPointer(__func__, [] { return "Ascend910B3"; });
}

aclError aclrtGetVersion(int32_t *majorVersion, int32_t *minorVersion, int32_t *patchVersion) {
  return call(__func__, [&] {
    requireArgument(majorVersion && minorVersion && patchVersion, "a version pointer is NULL");
    *majorVersion = 1;
    *minorVersion = 15;
    *patchVersion = 0;
  });
}

aclError aclsysGetCANNVersion(aclCANNPackageName name, aclCANNPackageVersion *version) {
  return call(__func__, [&] {
    requireArgument(version, "version is NULL");
    requireArgument(name >= ACL_PKG_NAME_CANN && name <= ACL_PKG_NAME_DRIVER, "unknown package name");
    memset(version, 0, sizeof *version);
    strcpy(version->version, kVersion);
    strcpy(version->majorVersion, "8");
    strcpy(version->minorVersion, "5");
    strcpy(version->releaseVersion, "0");
  });
}

aclError aclsysGetVersionStr(char *pkgName, char *versionStr) {
  return call(__func__, [&] {
    requireArgument(pkgName && versionStr, "pkgName or versionStr is NULL");
    strcpy(versionStr, kVersion);
  });
}

aclError aclsysGetVersionNum(char *pkgName, int32_t *versionNum) {
  return call(__func__, [&] {
    requireArgument(pkgName && versionNum, "pkgName or versionNum is NULL");
    *versionNum = 80500000;
  });
}

}  // extern "C"
