// A few threads that wait for short pieces of work; pthreads only, no C++ runtime.
#ifndef XNCAPS_KERNELS_THREAD_POOL_H_
#define XNCAPS_KERNELS_THREAD_POOL_H_

#include <pthread.h>
#include <stdint.h>

namespace xncaps {

constexpr int kMaxThreads = 64;

class ThreadPool {
 public:
  // A pool of `threads` threads, the caller of Run() among them. Null: no memory or no threads.
  static ThreadPool* Create(int threads);
  static void Delete(ThreadPool* pool);

  int threads() const { return workers_ + 1; }

  // task(job, 0) ... task(job, count - 1), each once, on up to threads() threads; returns when all
  // are done. A worker that the system does not schedule in time is not waited for. While another
  // thread is inside Run() the tasks run one after the other right here.
  void Run(void (*task)(void* job, int index), void* job, int count);

 private:
  struct Worker {
    ThreadPool* pool;
    pthread_t thread;
  };

  static void* Loop(void* worker);
  uint64_t WaitForWork(uint32_t seen);
  bool Join(uint64_t state);
  void DoTasks();

  // Of the open generation; only its members read them, and Run() writes when there are none.
  void (*task_)(void*, int) = nullptr;
  void* job_ = nullptr;
  int count_ = 0;

  int workers_ = 0;
  // Atomic: generation (high half), closed (bit 31), workers inside (the rest).
  uint64_t state_ = 0;
  int next_ = 0;      // atomic: the next task's index
  int sleepers_ = 0;  // atomic
  int stop_ = 0;      // atomic
  pthread_mutex_t run_mutex_;
  pthread_mutex_t sleep_mutex_;
  pthread_cond_t wake_;
  Worker worker_[kMaxThreads];
};

}  // namespace xncaps

#endif  // XNCAPS_KERNELS_THREAD_POOL_H_
