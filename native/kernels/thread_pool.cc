#include "kernels/thread_pool.h"

#include <sched.h>
#include <stdlib.h>

namespace xncaps {
namespace {

constexpr int kSpins = 4000;  // some tens of microseconds: the next phase of a layer comes sooner

inline void Pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
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

}  // namespace

ThreadPool* ThreadPool::Create(int threads) {
  if (threads < 1 || threads > kMaxThreads) return nullptr;
  ThreadPool* pool = static_cast<ThreadPool*>(calloc(1, sizeof(ThreadPool)));
  if (pool == nullptr) return nullptr;
  pool->state_ = kClosed;
  pthread_mutex_init(&pool->run_mutex_, nullptr);
  pthread_mutex_init(&pool->sleep_mutex_, nullptr);
  pthread_cond_init(&pool->wake_, nullptr);
  for (int i = 0; i < threads - 1; ++i) {
    pool->worker_[i].pool = pool;
    if (pthread_create(&pool->worker_[i].thread, nullptr, Loop, &pool->worker_[i]) != 0) {
      Delete(pool);
      return nullptr;
    }
    ++pool->workers_;
  }
  return pool;
}

void ThreadPool::Delete(ThreadPool* pool) {
  if (pool == nullptr) return;
  pthread_mutex_lock(&pool->sleep_mutex_);
  Put(&pool->stop_, 1);
  FetchAdd(&pool->state_, kGeneration);
  pthread_cond_broadcast(&pool->wake_);
  pthread_mutex_unlock(&pool->sleep_mutex_);
  for (int i = 0; i < pool->workers_; ++i) pthread_join(pool->worker_[i].thread, nullptr);
  pthread_cond_destroy(&pool->wake_);
  pthread_mutex_destroy(&pool->sleep_mutex_);
  pthread_mutex_destroy(&pool->run_mutex_);
  free(pool);
}

void ThreadPool::DoTasks() {
  for (int i = FetchAdd(&next_, 1); i < count_; i = FetchAdd(&next_, 1)) task_(job_, i);
}

void ThreadPool::Run(void (*task)(void*, int), void* job, int count) {
  if (workers_ == 0 || count <= 1 || pthread_mutex_trylock(&run_mutex_) != 0) {
    for (int i = 0; i < count; ++i) task(job, i);
    return;
  }
  task_ = task;
  job_ = job;
  count_ = count;
  Put(&next_, 0);
  // Nobody is inside and it is closed: opens the next generation.
  Put(&state_, (Get(&state_) & ~(kGeneration - 1)) + kGeneration);
  if (Get(&sleepers_) > 0) {
    pthread_mutex_lock(&sleep_mutex_);
    pthread_cond_broadcast(&wake_);
    pthread_mutex_unlock(&sleep_mutex_);
  }
  DoTasks();
  __atomic_fetch_or(&state_, kClosed, __ATOMIC_SEQ_CST);
  for (int spins = 0; (Get(&state_) & kInside) != 0; ++spins) {
    if (spins < kSpins)
      Pause();
    else
      sched_yield();
  }
  pthread_mutex_unlock(&run_mutex_);
}

// The state once its generation is another than `seen`.
uint64_t ThreadPool::WaitForWork(uint32_t seen) {
  for (int spins = 0; spins < kSpins; ++spins) {
    const uint64_t state = Get(&state_);
    if (GenerationOf(state) != seen) return state;
    Pause();
  }
  pthread_mutex_lock(&sleep_mutex_);
  FetchAdd(&sleepers_, 1);
  while (GenerationOf(Get(&state_)) == seen) pthread_cond_wait(&wake_, &sleep_mutex_);
  FetchAdd(&sleepers_, -1);
  pthread_mutex_unlock(&sleep_mutex_);
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

void* ThreadPool::Loop(void* argument) {
  ThreadPool* pool = static_cast<Worker*>(argument)->pool;
  // Starts at 0, the value at creation: a Run() before this thread got here is not missed.
  for (uint32_t seen = 0;;) {
    const uint64_t state = pool->WaitForWork(seen);
    seen = GenerationOf(state);
    if (Get(&pool->stop_) != 0) return nullptr;
    if (!pool->Join(state)) continue;
    pool->DoTasks();
    FetchAdd(&pool->state_, ~uint64_t{0});  // minus one
  }
}

}  // namespace xncaps
