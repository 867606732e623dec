// Reads the environment variables once.
#include "config.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "ascend_emulator.h"

namespace emulator {
namespace {

uint64_t number(const char *name, uint64_t absent) {
  const char *text = std::getenv(name);
  if (!text || !*text) return absent;
  char *end;
  const uint64_t value = std::strtoull(text, &end, 10);
  if (*end == '\0' && *text != '-') return value;
  fprintf(stderr, "[Ascend emulator] %s=%s is not a whole number: ignored\n", name, text);
  return absent;
}

// ASCEND_RT_VISIBLE_DEVICES "0,2" leaves two devices, renumbered from 0; the list ends at the first id that
// does not exist.
uint32_t visible(uint32_t devices) {
  const char *text = std::getenv("ASCEND_RT_VISIBLE_DEVICES");
  if (!text) return devices;
  uint32_t count = 0;
  for (char *end; *text; text = *end ? end + 1 : end) {
    const unsigned long id = std::strtoul(text, &end, 10);
    if (end == text || id >= devices) break;
    ++count;
  }
  return count;
}

uint64_t defaultMemory() {
  const uint64_t machine = static_cast<uint64_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  return std::min<uint64_t>(machine, uint64_t{64} << 30);  // a 910B3 has 64 GiB
}

}  // namespace

Config::Config()
    : devices(visible(static_cast<uint32_t>(std::min<uint64_t>(number("ASCEND_EMULATOR_DEVICES", 1), mostDevices)))),
      memory(number("ASCEND_EMULATOR_MEMORY", defaultMemory())),
      arithmetic(number("ASCEND_EMULATOR_ARITHMETIC", 1) != 0),
      poison(number("ASCEND_EMULATOR_POISON", 1) != 0) {
  if (const char *target = std::getenv("ASCEND_EMULATOR_REPORT")) report = target;
}

Config &config() {
  static Config &instance = *new Config;
  return instance;
}

}  // namespace emulator
