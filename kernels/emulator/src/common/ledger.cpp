// Violations, the report, and the functions of ascend_emulator.h that read or change the books.
#include "ledger.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "../runtime/device_memory.h"
#include "ascend_emulator.h"
#include "config.h"
#include "handles.h"

namespace emulator {
namespace {

std::string quoted(const std::string &text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (static_cast<unsigned char>(c) < 0x20) {
      char code[8];
      snprintf(code, sizeof code, "\\u%04x", c);
      out += code;
    } else {
      out += c;
    }
  }
  return out + '"';
}

void planFromEnvironment(Ledger &ledger) {
  const char *const given = std::getenv("ASCEND_EMULATOR_FAIL");
  const char *text = given;
  char name[128];
  uint64_t n;
  int code, length;
  while (text && sscanf(text, "%127[^:]:%" SCNu64 ":%d%n", name, &n, &code, &length) == 3) {
    ledger.recordOf(name).failures[n] = code;
    text += length;
    if (*text == ',') ++text;
  }
  if (text && *text)
    fprintf(stderr, "[Ascend emulator] ASCEND_EMULATOR_FAIL=%s: from \"%s\" on it is not function[@device]:n:code,...: ignored\n", given, text);
}

std::string reportText() {
  Ledger &ledger = Ledger::instance();
  std::string text = "{\"emulator\":true,\"violationCount\":";
  {
    std::lock_guard<std::mutex> lock(ledger.mutex);
    text += std::to_string(ledger.violationCount) + ",\"violations\":[";
    const char *separator = "";
    for (const Violation &v : ledger.violations) {
      text += separator + ("{\"kind\":" + quoted(v.kind)) + ",\"function\":" + quoted(v.site.function) +
              ",\"call\":" + std::to_string(v.site.number) + ",\"message\":" + quoted(v.message) + "}";
      separator = ",";
    }
    text += "],\"calls\":{";
    separator = "";
    for (const auto &[name, record] : ledger.functions) {
      const uint64_t count = record.count - record.countAtReset;
      if (count == 0) continue;
      text += separator + quoted(name) + ":" + std::to_string(count);
      separator = ",";
    }
  }
  text += "},\"live\":{";
  const char *separator = "";
  for (AnyHandleTable *table : AnyHandleTable::all()) {
    text += separator + quoted(table->kind) + ":" + std::to_string(table->size());
    separator = ",";
  }
  text += separator + ("\"device-memory\":" + std::to_string(liveDeviceAllocations())) +
          ",\"host-memory\":" + std::to_string(liveHostAllocations()) + "},\"peakMemory\":[";
  separator = "";
  for (const uint64_t bytes : peakDeviceMemory()) {
    text += separator + std::to_string(bytes);
    separator = ",";
  }
  return text + "]}";
}

}  // namespace

Ledger &Ledger::instance() {
  static Ledger &ledger = *[] {
    auto *made = new Ledger;
    planFromEnvironment(*made);
    return made;
  }();
  return ledger;
}

Ledger::Counted Ledger::counted(const char *function) {
  const auto found = byAddress.find(function);
  if (found != byAddress.end()) return found->second;
  auto named = functions.find(function);
  if (named == functions.end()) named = functions.emplace(function, FunctionRecord{}).first;
  return byAddress[function] = {named->first.c_str(), &named->second};
}

CallRecord &Ledger::recordOf(const std::string &name) {
  const size_t at = name.find('@');
  FunctionRecord &record = functions[name.substr(0, at)];
  if (at == std::string::npos) return record;
  return record.onDevice[std::atoi(name.c_str() + at + 1)];
}

void violation(const char *kind, const CallSite &site, const std::string &message) {
  Ledger &ledger = Ledger::instance();
  std::lock_guard<std::mutex> lock(ledger.mutex);
  ++ledger.violationCount;
  if (ledger.violations.size() < Ledger::maximumKept) ledger.violations.push_back({kind, site, message});
}

void violation(const char *kind, const std::string &message) { violation(kind, currentCall(), message); }

void writeReport() {
  std::string target = config().report;
  if (target.empty()) return;
  struct stat status;
  if (stat(target.c_str(), &status) == 0 && S_ISDIR(status.st_mode))
    target += "/" + std::to_string(getpid()) + ".json";
  const std::string text = reportText() + "\n";
  if (target == "stderr") {
    fputs(text.c_str(), stderr);
  } else if (FILE *file = fopen(target.c_str(), "w")) {
    fputs(text.c_str(), file);
    fclose(file);
  } else {
    fprintf(stderr, "[Ascend emulator] cannot write the report to ASCEND_EMULATOR_REPORT=%s\n", target.c_str());
  }
}

}  // namespace emulator

using emulator::Ledger;

extern "C" {

void ascendEmulatorReset(void) {
  Ledger &ledger = Ledger::instance();
  std::lock_guard<std::mutex> lock(ledger.mutex);
  ledger.violations.clear();
  ledger.violationCount = 0;
  const auto reset = [](emulator::CallRecord &record) {
    record.countAtReset = record.count;
    record.failures.clear();
    record.faults.clear();
  };
  for (auto &[name, record] : ledger.functions) {
    reset(record);
    for (auto &[device, calls] : record.onDevice) reset(calls);
  }
}

uint64_t ascendEmulatorCallCount(const char *function) {
  if (!function) return 0;
  Ledger &ledger = Ledger::instance();
  std::lock_guard<std::mutex> lock(ledger.mutex);
  const emulator::CallRecord &record = ledger.recordOf(function);
  return record.count - record.countAtReset;
}

void ascendEmulatorFailCall(const char *function, uint64_t n, aclError code) {
  if (!function) return;
  Ledger &ledger = Ledger::instance();
  std::lock_guard<std::mutex> lock(ledger.mutex);
  auto &record = ledger.recordOf(function);
  record.failures[record.count + n] = code;
}

void ascendEmulatorFaultCall(const char *function, uint64_t n, aclError code) {
  if (!function) return;
  Ledger &ledger = Ledger::instance();
  std::lock_guard<std::mutex> lock(ledger.mutex);
  auto &record = ledger.recordOf(function);
  record.faults[record.count + n] = code;
}

void ascendEmulatorSetArithmetic(int enabled) { emulator::config().arithmetic = enabled != 0; }

uint64_t ascendEmulatorViolationCount(void) {
  Ledger &ledger = Ledger::instance();
  std::lock_guard<std::mutex> lock(ledger.mutex);
  return ledger.violationCount;
}

uint64_t ascendEmulatorLiveObjects(const char *kind) {
  uint64_t count = 0;
  const auto add = [&](const char *name, uint64_t n) {
    if (!kind || strcmp(kind, name) == 0) count += n;
  };
  for (emulator::AnyHandleTable *table : emulator::AnyHandleTable::all()) add(table->kind, table->size());
  add("device-memory", emulator::liveDeviceAllocations());
  add("host-memory", emulator::liveHostAllocations());
  return count;
}

size_t ascendEmulatorReport(char *buffer, size_t size) {
  const std::string text = emulator::reportText();
  if (buffer && size > 0) {
    const size_t n = std::min(size - 1, text.size());
    memcpy(buffer, text.data(), n);
    buffer[n] = '\0';
  }
  return text.size();
}

}  // extern "C"
