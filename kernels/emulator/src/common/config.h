// What the environment variables ask for; include/ascend_emulator.h documents them.
#pragma once
#include <atomic>
#include <cstdint>
#include <string>

#include "call.h"

namespace emulator {

constexpr uint32_t mostDevices = 64;  // each takes 256 GiB of address space

struct Config {
  std::atomic<uint32_t> devices;
  std::atomic<uint64_t> memory;
  std::atomic<bool> arithmetic;
  bool poison;
  std::string report;

  Config();
};

EMULATOR_API Config &config();

}  // namespace emulator
