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
  // are done. While another thread is inside Run() the tasks run one after the other right here.
  void Run(void (*task)(void* job, int index), void* job, int count);

 private:
  struct Worker {
    ThreadPool* pool;
    pthread_t thread;
  };

  static void* Loop(void* worker);
  void WaitForWork(uint32_t seen);
  void DoTasks();

  // Written by Run() before generation_ is, read by workers after.
  void (*task_)(void*, int) = nullptr;
  void* job_ = nullptr;
  int count_ = 0;

  int workers_ = 0;
  bool stop_ = false;
  uint32_t generation_ = 0;  // atomic
  int next_ = 0;             // atomic: the next task's index
  int busy_ = 0;             // atomic: workers that have not finished this generation
  int sleepers_ = 0;         // atomic
  pthread_mutex_t run_mutex_;
  pthread_mutex_t sleep_mutex_;
  pthread_cond_t wake_;
  Worker worker_[kMaxThreads];
};

}  // namespace xncaps

#endif  // XNCAPS_KERNELS_THREAD_POOL_H_
