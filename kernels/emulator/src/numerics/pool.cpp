// The pool: idle threads join the jobs in the list; a job is a counter that is taken from.
#include "pool.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <exception>
#include <list>
#include <memory>
#include <mutex>
#include <thread>

namespace emulator {
namespace {

struct Job {
  const std::function<void(int64_t)> *body;
  int64_t count;
  std::atomic<int64_t> next{0};
  int64_t done = 0;  // guarded by the pool's mutex, as is error
  std::exception_ptr error;
};

thread_local bool inside = false;

class Pool {
 public:
  Pool() {
    for (int64_t i = 1; i < parallelThreads(); ++i) std::thread([this] { serve(); }).detach();
  }

  void run(const std::shared_ptr<Job> &job) {
    {
      std::lock_guard<std::mutex> lock(mutex);
      jobs.push_back(job);
    }
    wake.notify_all();
    work(*job);
    std::unique_lock<std::mutex> lock(mutex);
    jobs.remove(job);
    finished.wait(lock, [&] { return job->done == job->count; });
    if (job->error) std::rethrow_exception(job->error);
  }

 private:
  void work(Job &job) {
    inside = true;
    int64_t done = 0;
    std::exception_ptr error;
    for (int64_t i; (i = job.next++) < job.count; ++done) {
      try {
        (*job.body)(i);
      } catch (...) {
        error = std::current_exception();
      }
    }
    inside = false;
    std::lock_guard<std::mutex> lock(mutex);
    job.done += done;
    if (error && !job.error) job.error = error;
    if (job.done == job.count) finished.notify_all();
  }

  void serve() {
    std::unique_lock<std::mutex> lock(mutex);
    for (;;) {
      wake.wait(lock, [&] { return !jobs.empty(); });
      const std::shared_ptr<Job> job = jobs.front();
      lock.unlock();
      work(*job);
      lock.lock();
      jobs.remove(job);  // nothing of it is left to take
    }
  }

  std::mutex mutex;
  std::condition_variable wake, finished;
  std::list<std::shared_ptr<Job>> jobs;
};

}  // namespace

int64_t parallelThreads() {
  static const int64_t threads = [] {
    const char *text = std::getenv("ASCEND_EMULATOR_THREADS");
    const int64_t cores = std::max<int64_t>(1, std::thread::hardware_concurrency());
    const int64_t asked = text ? std::atoll(text) : cores;
    return std::clamp<int64_t>(asked, 1, cores);
  }();
  return threads;
}

void parallelFor(int64_t count, const std::function<void(int64_t)> &body) {
  if (inside || count <= 1 || parallelThreads() == 1) {
    for (int64_t i = 0; i < count; ++i) body(i);
    return;
  }
  static Pool &pool = *new Pool;  // never destroyed: its threads outlast static destructors
  auto job = std::make_shared<Job>();
  job->body = &body;
  job->count = count;
  pool.run(job);
}

}  // namespace emulator
