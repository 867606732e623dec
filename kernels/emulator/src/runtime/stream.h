// Streams, the tasks on them, and what is known about the order of tasks.
//
// Each stream has a thread of its own that executes its tasks in order. A task stays on the stream's books,
// with the memory it uses, until the host has synchronised with it, even if it finished long before: whether
// a program that frees or reads too early is caught does not depend on luck.
//
// Everything here is guarded by one lock, runtimeMutex(); tasks execute without it.
#pragma once
#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "device_memory.h"

namespace emulator {

struct Context;
struct Graph;
struct TaskUpdate;
class Stream;

EMULATOR_API std::mutex &runtimeMutex();
// Looks a while before it sleeps: the lock is held for less time than it takes to sleep and be woken.
struct EMULATOR_API RuntimeLock : std::unique_lock<std::mutex> {
  explicit RuntimeLock(std::mutex &mutex);
  void lock();
};

// Notified when a task finishes that somebody may be waiting for.
std::condition_variable &taskFinished();

// A point in a stream's order: the task number `number` of the stream `stream`.
struct Position {
  uint64_t stream = 0, number = 0;
};

// What a task does. Made once for what is enqueued again and again, such as a repeatable executor.
struct Work {
  std::vector<Range> ranges;      // memory it uses
  std::function<void()> execute;  // without the lock; throws Failure for a device fault
};

// What is executed on a stream. Shared between the stream and the graphs that replay it.
struct Task {
  explicit Task(std::shared_ptr<const Work> work = nullptr) : work(std::move(work)) {}

  CallSite site = currentCall();
  std::shared_ptr<const Work> work;          // NULL: only its place in the order counts
  std::function<bool()> ready;               // with the lock; the stream waits until it is true
  std::function<void(Stream &)> finished;    // with the lock; also when the task is dropped
  Position after;                            // a task of another stream that this one waits for
  aclError fault = currentDeviceFault();     // to raise instead of executing
};

class Stream {
 public:
  Stream(Context &context, bool isDefault);
  ~Stream();  // drains; joins the thread

  Context &context;
  const bool isDefault;
  const uint64_t id;
  std::shared_ptr<Graph> capture;      // being recorded from this stream; NULL when not capturing
  std::shared_ptr<TaskUpdate> update;  // being issued on this stream; NULL when not updating

  // All with the lock held; some release it while they wait.
  Position append(std::shared_ptr<Task> task);  // bypasses capture
  bool waitUntilDone(RuntimeLock &lock, uint64_t number, int32_t timeoutMs);  // false when time is up
  bool isDone(uint64_t number) const { return completed >= number; }
  uint64_t lastNumber() const { return issued; }
  bool hasUnobserved() const { return !books.empty(); }
  void release() { wake.notify_one(); }  // looks again whether it may go on
  void drop();  // forgets the tasks that have not begun
  void stop(RuntimeLock &lock);
  aclError takeFault(std::string &message);

  // The host knows from now on that the tasks up to this one are done, and all that they waited for.
  static void observe(const Position &position);

  static bool isObserved(const Position &position);

  // A task of any stream that the host has not observed and that conflicts with the range; NULL if there is none.
  static std::shared_ptr<Task> conflict(const Range &range);

  static Stream *byId(uint64_t id);
  static void leaveCapture(const std::shared_ptr<Graph> &graph);

 private:
  void work();
  void reportRaces(const Task &task);

  struct Entry {
    uint64_t number;
    std::shared_ptr<Task> task;
  };
  std::deque<std::shared_ptr<Task>> queue;  // the first may be executing
  std::deque<Entry> books;                  // what the host has not observed
  std::map<uint64_t, uint64_t> waitedFor;   // stream -> number: those tasks come before anything appended now
  std::atomic<uint64_t> issued{0};          // changed with the lock held
  uint64_t completed = 0;
  uint64_t awaited = UINT64_MAX;            // the first task that somebody waits for
  aclError fault = ACL_SUCCESS;
  std::string faultMessage;
  bool executing = false, stopping = false;
  std::condition_variable wake;
  std::thread thread;
};

// Puts a task on the stream, or into the graph the stream is recording.
EMULATOR_API void enqueue(Stream &stream, std::shared_ptr<Task> task);

// Records a violation when unobserved work conflicts with what the host does to the range now.
void requireObserved(const Range &range, const char *violationKind, const std::string &what);

void holdStreams(bool hold);

}  // namespace emulator
