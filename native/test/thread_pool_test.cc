#include "kernels/thread_pool.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <thread>
#include <vector>

namespace xncaps {
namespace {

struct Job {
  std::atomic<int> calls[100] = {};
  int plain[100] = {};
};

void Count(void* job, int index) {
  static_cast<Job*>(job)->calls[index]++;
  static_cast<Job*>(job)->plain[index]++;  // only one thread may be here: the sanitizer watches
}

TEST(ThreadPoolTest, EveryTaskRunsOnce) {
  for (int threads : {1, 2, 3, 8}) {
    ThreadPool* pool = ThreadPool::Create(threads);
    ASSERT_NE(pool, nullptr);
    EXPECT_EQ(pool->threads(), threads);
    for (int round = 0; round < 2000; ++round) {
      Job job;
      const int count = round % 100;
      pool->Run(Count, &job, count);
      for (int i = 0; i < 100; ++i) ASSERT_EQ(job.plain[i], i < count ? 1 : 0);
    }
    ThreadPool::Delete(pool);
  }
}

TEST(ThreadPoolTest, WakesUpFromSleep) {
  ThreadPool* pool = ThreadPool::Create(4);
  for (int round = 0; round < 20; ++round) {
    usleep(3000);
    Job job;
    pool->Run(Count, &job, 100);
    for (int calls : job.plain) ASSERT_EQ(calls, 1);
  }
  ThreadPool::Delete(pool);
}

TEST(ThreadPoolTest, SeveralCallersShareIt) {
  ThreadPool* pool = ThreadPool::Create(3);
  std::vector<std::thread> callers;
  std::atomic<int> wrong{0};
  for (int i = 0; i < 4; ++i) {
    callers.emplace_back([&] {
      for (int round = 0; round < 500; ++round) {
        Job job;
        pool->Run(Count, &job, 17);
        for (int k = 0; k < 17; ++k) wrong += job.plain[k] != 1;
      }
    });
  }
  for (auto& caller : callers) caller.join();
  EXPECT_EQ(wrong, 0);
  ThreadPool::Delete(pool);
}

TEST(ThreadPoolTest, RefusesSillyNumbers) {
  EXPECT_EQ(ThreadPool::Create(0), nullptr);
  EXPECT_EQ(ThreadPool::Create(kMaxThreads + 1), nullptr);
}

}  // namespace
}  // namespace xncaps
