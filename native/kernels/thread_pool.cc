#include "kernels/thread_pool.h"

#include <stdlib.h>
#include <time.h>

namespace xncaps {
namespace {

// The next phase of a layer mostly comes sooner; then a core is worth more to somebody else.
constexpr int64_t kSpinNanoseconds = 100000;
// Pauses between looks at the clock: a pause takes from 1 (ARM) to 50 ns.
constexpr int kPauses = 16;

inline void Pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

int64_t Nanoseconds() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1000000000 + now.tv_nsec;
}

// Waits until done() or for a while; what done() says last. Every wait ends in a sleep: where
// threads share a core, one that spins for ever keeps the one that it waits for from running.
template <typename Done>
bool Spin(Done done) {
  for (int64_t end = 0;;) {
    for (int i = 0; i < kPauses; ++i) {
      if (done()) return true;
      Pause();
    }
    const int64_t now = Nanoseconds();
    if (end == 0) end = now + kSpinNanoseconds;
    if (now >= end) return done();
  }
}

template <typename T>
inline T Get(const T* p) {
  return __atomic_load_n(p, __ATOMIC_SEQ_CST);
}
template <typename T>
inline void Put(T* p, T value) {
  __atomic_store_n(p, value, __ATOMIC_SEQ_CST);
}
template <typename T>
inline T FetchAdd(T* p, T value) {
  return __atomic_fetch_add(p, value, __ATOMIC_SEQ_CST);
}

constexpr uint64_t kClosed = uint64_t{1} << 31;
constexpr uint64_t kInside = kClosed - 1;
constexpr uint64_t kGeneration = uint64_t{1} << 32;

inline uint32_t GenerationOf(uint64_t state) { return static_cast<uint32_t>(state >> 32); }

inline int PartBegin(int part, int count, int most) {
  return static_cast<int>(static_cast<int64_t>(count) * part / most);
}

// Counts the forks that led to this process: a child has none of its parent's other threads.
int forks = 0;
pthread_once_t forks_once = PTHREAD_ONCE_INIT;
void CountForks() {
  pthread_atfork(nullptr, nullptr, [] { ++forks; });
}

}  // namespace

ThreadPool* ThreadPool::Create(int threads) {
  if (threads < 1 || threads > kMaxThreads) return nullptr;
  ThreadPool* pool = static_cast<ThreadPool*>(calloc(1, sizeof(ThreadPool)));
  if (pool == nullptr) return nullptr;
  pthread_once(&forks_once, CountForks);
  pool->forks_ = forks;
  pool->state_ = kClosed;
  pthread_mutex_init(&pool->run_mutex_, nullptr);
  pthread_mutex_init(&pool->sleep_mutex_, nullptr);
  pthread_cond_init(&pool->wake_, nullptr);
  pthread_cond_init(&pool->left_, nullptr);
  for (int i = 0; i < threads - 1; ++i) {
    Worker& worker = pool->worker_[i];
    worker.pool = pool;
    worker.number = i + 1;
    if (pthread_create(&worker.thread, nullptr, Loop, &worker) != 0) {
      Delete(pool);
      return nullptr;
    }
    ++pool->workers_;
  }
  return pool;
}

void ThreadPool::Delete(ThreadPool* pool) {
  if (pool == nullptr) return;
  if (pool->forks_ == forks) {
    pthread_mutex_lock(&pool->sleep_mutex_);
    Put(&pool->stop_, 1);
    FetchAdd(&pool->state_, kGeneration);
    pthread_cond_broadcast(&pool->wake_);
    pthread_mutex_unlock(&pool->sleep_mutex_);
    for (int i = 0; i < pool->workers_; ++i) pthread_join(pool->worker_[i].thread, nullptr);
    pthread_cond_destroy(&pool->left_);
    pthread_cond_destroy(&pool->wake_);
    pthread_mutex_destroy(&pool->sleep_mutex_);
    pthread_mutex_destroy(&pool->run_mutex_);
  }  // else there is nobody to join, and the locks are as they were at the fork, maybe held
  free(pool);
}

int ThreadPool::Mirrored(int index, int count, int most) {
  int part = 0;
  while (index >= PartBegin(part + 1, count, most)) ++part;
  return PartBegin(part, count, most) + PartBegin(part + 1, count, most) - 1 - index;
}

void ThreadPool::DoTasks(int worker) {
  for (int k = 0; k < most_; ++k) {
    const int part = (worker + k) % most_, end = PartBegin(part + 1, count_, most_);
    int* next = &parts_[part].next;
    while (Get(next) < end) {
      const int i = FetchAdd(next, 1);
      if (i < end) task_(job_, i, worker);
    }
  }
}

void ThreadPool::Run(Task task, void* job, int count, int most) {
  if (workers_ == 0 || count <= 1 || most <= 1 || forks_ != forks ||
      pthread_mutex_trylock(&run_mutex_) != 0) {
    for (int i = 0; i < count; ++i) task(job, i, 0);
    return;
  }
  task_ = task;
  job_ = job;
  count_ = count;
  most_ = most < workers_ + 1 ? most : workers_ + 1;
  for (int part = 0; part < most_; ++part) Put(&parts_[part].next, PartBegin(part, count_, most_));
  // Nobody is inside and it is closed: opens the next generation.
  Put(&state_, (Get(&state_) & ~(kGeneration - 1)) + kGeneration);
  if (Get(&sleepers_) > 0) {
    pthread_mutex_lock(&sleep_mutex_);
    pthread_cond_broadcast(&wake_);
    pthread_mutex_unlock(&sleep_mutex_);
  }
  DoTasks(0);
  __atomic_fetch_or(&state_, kClosed, __ATOMIC_SEQ_CST);
  WaitForWorkers();
  pthread_mutex_unlock(&run_mutex_);
}

// Until nobody is inside of the closed generation.
void ThreadPool::WaitForWorkers() {
  const auto empty = [this] { return (Get(&state_) & kInside) == 0; };
  if (Spin(empty)) return;
  pthread_mutex_lock(&sleep_mutex_);
  Put(&waiting_, 1);
  while (!empty()) pthread_cond_wait(&left_, &sleep_mutex_);
  Put(&waiting_, 0);
  pthread_mutex_unlock(&sleep_mutex_);
}

// The state once its generation is another than `seen`.
uint64_t ThreadPool::WaitForWork(uint32_t seen) {
  const auto work = [this, seen] { return GenerationOf(Get(&state_)) != seen; };
  if (!Spin(work)) {
    pthread_mutex_lock(&sleep_mutex_);
    FetchAdd(&sleepers_, 1);
    while (!work()) pthread_cond_wait(&wake_, &sleep_mutex_);
    FetchAdd(&sleepers_, -1);
    pthread_mutex_unlock(&sleep_mutex_);
  }
  return Get(&state_);
}

// False: the generation is over.
bool ThreadPool::Join(uint64_t state) {
  const uint32_t generation = GenerationOf(state);
  while ((state & kClosed) == 0 && GenerationOf(state) == generation) {
    if (__atomic_compare_exchange_n(&state_, &state, state + 1, false, __ATOMIC_SEQ_CST,
                                    __ATOMIC_SEQ_CST)) {
      return true;
    }
  }
  return false;
}

void ThreadPool::Leave() {
  const uint64_t before = FetchAdd(&state_, ~uint64_t{0});  // minus one
  if ((before & kInside) != 1 || Get(&waiting_) == 0) return;
  pthread_mutex_lock(&sleep_mutex_);
  pthread_cond_signal(&left_);
  pthread_mutex_unlock(&sleep_mutex_);
}

void* ThreadPool::Loop(void* argument) {
  const Worker* worker = static_cast<Worker*>(argument);
  ThreadPool* pool = worker->pool;
  // Starts at 0, the value at creation: a Run() before this thread got here is not missed.
  for (uint32_t seen = 0;;) {
    const uint64_t state = pool->WaitForWork(seen);
    seen = GenerationOf(state);
    if (Get(&pool->stop_) != 0) return nullptr;
    if (!pool->Join(state)) continue;
    if (worker->number < pool->most_) pool->DoTasks(worker->number);
    pool->Leave();
  }
}

}  // namespace xncaps
