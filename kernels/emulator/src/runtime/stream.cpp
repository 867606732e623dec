// The streams' threads, the books of unobserved tasks, and enqueuing.
#include "stream.h"

#include <algorithm>
#include <chrono>

#include "../common/thread_site.h"
#include "capture.h"

namespace emulator {
namespace {

bool held = false;
uint64_t lastId = 0;

// How often a stream's thread looks for work before it sleeps: some 50 µs on an idle processor. To wake a thread
// that sleeps costs the program more than to enqueue, and its time on the host is measured.
constexpr int kLooksForWork = 200;

// How often a thread looks whether the lock is free before it sleeps: a few µs.
constexpr int kLooksForLock = 100;

// Tells the processor that the thread looks again and again, without giving it away.
void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#else
  asm volatile("yield");
#endif
}

std::map<uint64_t, Stream *> &streams() {
  static auto &all = *new std::map<uint64_t, Stream *>;
  return all;
}

std::string text(const CallSite &site) { return std::string(site.function) + " call " + std::to_string(site.number); }

const Range *conflictIn(const Task &task, const Range &range) {
  if (task.work)
    for (const Range &used : task.work->ranges)
      if (used.conflictsWith(range)) return &used;
  return nullptr;
}

}  // namespace

std::mutex &runtimeMutex() {
  static std::mutex &mutex = *new std::mutex;
  return mutex;
}

RuntimeLock::RuntimeLock(std::mutex &mutex) : unique_lock(mutex, std::defer_lock) { lock(); }

void RuntimeLock::lock() {
  for (int look = 0; look < kLooksForLock; ++look) {
    if (try_lock()) return;
    relax();
  }
  unique_lock::lock();
}

std::condition_variable &taskFinished() {
  static auto &condition = *new std::condition_variable;
  return condition;
}

Stream::Stream(Context &context, bool isDefault) : context(context), isDefault(isDefault), id(++lastId) {
  streams()[id] = this;
  thread = std::thread([this] { work(); });
}

Stream::~Stream() {
  if (thread.joinable()) thread.join();
}

Stream *Stream::byId(uint64_t id) {
  const auto found = streams().find(id);
  return found == streams().end() ? nullptr : found->second;
}

Position Stream::append(std::shared_ptr<Task> task) {
  if (stopping) throw Failure(ACL_ERROR_RT_INVALID_HANDLE, "the stream was destroyed by another thread meanwhile");
  if (task->after.stream != 0) {
    uint64_t &known = waitedFor[task->after.stream];
    known = std::max(known, task->after.number);
    // What that stream had waited for by now was before it, too.
    if (const Stream *other = byId(task->after.stream); other && other != this)
      for (const auto &[stream, number] : other->waitedFor) waitedFor[stream] = std::max(waitedFor[stream], number);
  }
  reportRaces(*task);
  queue.push_back(task);
  books.push_back({++issued, std::move(task)});
  wake.notify_one();
  return {id, issued};
}

void Stream::reportRaces(const Task &task) {
  if (!task.work) return;
  for (const auto &[otherId, other] : streams()) {
    if (other == this) continue;
    const auto known = waitedFor.find(otherId);
    const uint64_t ordered = known == waitedFor.end() ? 0 : known->second;
    for (const Entry &entry : other->books)
      for (const Range &range : task.work->ranges)
        if (entry.number > ordered && conflictIn(*entry.task, range)) {
          violation(kind::streamRace, task.site, "uses memory that " + text(entry.task->site) +
                                                     " uses on another stream, with no event or synchronise between them");
          return;
        }
  }
}

void Stream::work() {
  RuntimeLock lock(runtimeMutex());
  for (;;) {
    if (queue.empty() && !stopping) {
      const uint64_t seen = issued;
      lock.unlock();
      for (int look = 0; look < kLooksForWork && issued == seen; ++look) std::this_thread::yield();
      lock.lock();
    }
    wake.wait(lock, [&] { return (!queue.empty() && !held) || (queue.empty() && stopping); });
    if (queue.empty()) return;
    const std::shared_ptr<Task> task = queue.front();
    executing = true;
    while (task->ready && !task->ready()) taskFinished().wait(lock);
    if (task->work) {
      lock.unlock();
      setThreadSite(task->site);
      aclError code = ACL_SUCCESS;
      std::string message;
      try {
        if (task->fault != ACL_SUCCESS) throw Failure(task->fault, "failed on request (ascendEmulatorFaultCall)");
        task->work->execute();
      } catch (const Failure &failure) {
        code = failure.code;
        message = text(task->site) + " failed on the device: " + failure.what();
      } catch (const std::exception &unforeseen) {  // the host's memory is too small for the arithmetic
        code = ACL_ERROR_RT_AICORE_EXCEPTION;
        message = text(task->site) + " failed on the device: " + unforeseen.what();
      }
      lock.lock();
      if (code != ACL_SUCCESS && fault == ACL_SUCCESS) {
        fault = code;
        faultMessage = message;
      }
    }
    executing = false;
    queue.pop_front();
    ++completed;
    if (task->finished) task->finished(*this);
    if (task->finished || stopping || completed >= awaited) {
      awaited = UINT64_MAX;
      taskFinished().notify_all();
    }
  }
}

bool Stream::waitUntilDone(RuntimeLock &lock, uint64_t number, int32_t timeoutMs) {
  const auto done = [&] {
    if (completed >= number) return true;
    awaited = std::min(awaited, number);
    return false;
  };
  if (timeoutMs >= 0) {
    // wait_until on the system clock: older thread sanitizers do not know the steady clock's wait.
    const auto end = std::chrono::system_clock::now() + std::chrono::milliseconds(timeoutMs);
    if (!taskFinished().wait_until(lock, end, done)) return false;
  } else {
    taskFinished().wait(lock, done);
  }
  observe({id, number});
  return true;
}

void Stream::observe(const Position &position) {
  Stream *stream = byId(position.stream);
  if (!stream) return;
  while (!stream->books.empty() && stream->books.front().number <= position.number) {
    const std::shared_ptr<Task> task = stream->books.front().task;
    stream->books.pop_front();
    if (task->after.stream != 0) observe(task->after);
  }
}

bool Stream::isObserved(const Position &position) {
  const Stream *stream = byId(position.stream);
  return !stream || stream->books.empty() || stream->books.front().number > position.number;
}

void Stream::leaveCapture(const std::shared_ptr<Graph> &graph) {
  for (const auto &[id, stream] : streams())
    if (stream->capture == graph) stream->capture = nullptr;
}

std::shared_ptr<Task> Stream::conflict(const Range &range) {
  for (const auto &[id, stream] : streams())
    for (const Entry &entry : stream->books)
      if (conflictIn(*entry.task, range)) return entry.task;
  return nullptr;
}

void Stream::drop() {
  while (queue.size() > (executing ? 1u : 0u)) {
    const std::shared_ptr<Task> task = queue.back();
    queue.pop_back();
    if (task->finished) task->finished(*this);
  }
  completed = issued - queue.size();
  books.clear();
  taskFinished().notify_all();
}

void Stream::stop(RuntimeLock &lock) {
  stopping = true;
  wake.notify_one();
  taskFinished().wait(lock, [&] { return queue.empty(); });
  streams().erase(id);
}

aclError Stream::takeFault(std::string &message) {
  const aclError code = fault;
  fault = ACL_SUCCESS;
  message = std::move(faultMessage);
  faultMessage.clear();
  return code;
}

void enqueue(Stream &stream, std::shared_ptr<Task> task) {
  if (recordInGraph(stream, task)) return;
  stream.append(std::move(task));
}

void requireObserved(const Range &range, const char *violationKind, const std::string &what) {
  if (const std::shared_ptr<Task> task = Stream::conflict(range))
    violation(violationKind, what + " while " + text(task->site) + " uses it and no synchronise has covered that");
}

void holdStreams(bool hold) {
  RuntimeLock lock(runtimeMutex());
  held = hold;
  for (const auto &[id, stream] : streams()) stream->release();
}

}  // namespace emulator
