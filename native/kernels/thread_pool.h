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

  typedef void (*Task)(void* job, int index, int worker);

  // task(job, 0, w) ... task(job, count - 1, w), each once, handed out one by one to at most
  // `most` threads. Each has a part of its own, the same at every Run() with these numbers, so that
  // what it wrote is still in its cache; when that is done it takes from the others' parts: who is
  // slow, or whose core is shared, does less. w, in [0, most), is the number of the thread that
  // runs it: what one thread at a time may use is found by it. Returns when all are done; a worker
  // that the system does not schedule in time is not waited for.
  //
  // While another thread is inside Run(), and in the child of a fork (where the workers are not),
  // the tasks run one after the other right here, as worker 0.
  void Run(Task task, void* job, int count, int most);

  // The index in the same part of such a Run() as far from the part's end as this one is from its
  // beginning: tasks that walk memory back, as far as it is still in the cache.
  static int Mirrored(int index, int count, int most);

 private:
  struct Worker {
    ThreadPool* pool;
    pthread_t thread;
    int number;
  };

  static void* Loop(void* worker);
  uint64_t WaitForWork(uint32_t seen);
  void WaitForWorkers();
  bool Join(uint64_t state);
  void Leave();
  void DoTasks(int worker);

  // Of the open generation; only its members read them, and Run() writes when there are none.
  Task task_ = nullptr;
  void* job_ = nullptr;
  int count_ = 0;
  int most_ = 0;

  int workers_ = 0;
  int forks_ = 0;  // that this process had seen when the pool was made
  // Atomic: generation (high half), closed (bit 31), workers inside (the rest).
  uint64_t state_ = 0;
  struct Part {
    int next;  // atomic: the next task's index
    char unshared[60];
  };
  Part parts_[kMaxThreads];
  int sleepers_ = 0;  // atomic: workers that wait for work
  int waiting_ = 0;   // atomic: the caller of Run() sleeps until the last worker leaves
  int stop_ = 0;      // atomic
  pthread_mutex_t run_mutex_;
  pthread_mutex_t sleep_mutex_;
  pthread_cond_t wake_;  // there is work
  pthread_cond_t left_;  // the last worker has left
  Worker worker_[kMaxThreads];
};

}  // namespace xncaps

#endif  // XNCAPS_KERNELS_THREAD_POOL_H_
