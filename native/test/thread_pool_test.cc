#include "kernels/thread_pool.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/wait.h>
#include <time.h>
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

void Count(void* job, int index, int) {
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
      pool->Run(Count, &job, count, kMaxThreads);
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
    pool->Run(Count, &job, 100, kMaxThreads);
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
        pool->Run(Count, &job, 17, kMaxThreads);
        for (int k = 0; k < 17; ++k) wrong += job.plain[k] != 1;
      }
    });
  }
  for (auto& caller : callers) caller.join();
  EXPECT_EQ(wrong, 0);
  ThreadPool::Delete(pool);
}

// Who runs a task has a number that nobody else has at that time, below the limit.
struct Numbers {
  int most;
  std::atomic<int> inside[kMaxThreads] = {};
  std::atomic<int> wrong{0};
};

TEST(ThreadPoolTest, WorkersHaveNumbersOfTheirOwn) {
  ThreadPool* pool = ThreadPool::Create(6);
  for (int most : {1, 2, 4, 6, 9}) {
    Numbers numbers;
    numbers.most = most;
    for (int round = 0; round < 300; ++round) {
      pool->Run(
          [](void* job, int, int worker) {
            Numbers* n = static_cast<Numbers*>(job);
            if (worker < 0 || worker >= n->most || n->inside[worker]++ != 0) ++n->wrong;
            --n->inside[worker];
          },
          &numbers, 50, most);
    }
    EXPECT_EQ(numbers.wrong, 0) << most;
  }
  ThreadPool::Delete(pool);
}

TEST(ThreadPoolTest, MirroredIndicesStayInTheirParts) {
  for (int count : {1, 2, 5, 6, 100}) {
    for (int most : {1, 2, 3, 64}) {
      std::vector<int> seen(static_cast<size_t>(count));
      for (int i = 0; i < count; ++i) {
        const int mirrored = ThreadPool::Mirrored(i, count, most);
        ASSERT_TRUE(mirrored >= 0 && mirrored < count);
        ++seen[static_cast<size_t>(mirrored)];
        EXPECT_EQ(ThreadPool::Mirrored(mirrored, count, most), i);
      }
      EXPECT_EQ(seen, std::vector<int>(static_cast<size_t>(count), 1));
    }
  }
  EXPECT_EQ(ThreadPool::Mirrored(0, 6, 2), 2);
  EXPECT_EQ(ThreadPool::Mirrored(3, 6, 2), 5);
}

// One worker takes 20 times as long: the others do its share.
TEST(ThreadPoolTest, ASlowWorkerTakesFewerTasks) {
  ThreadPool* pool = ThreadPool::Create(2);
  std::atomic<int> tasks[2] = {};
  for (int round = 0; round < 10; ++round) {
    pool->Run(
        [](void* job, int, int worker) {
          static_cast<std::atomic<int>*>(job)[worker]++;
          usleep(worker == 0 ? 100 : 2000);
        },
        tasks, 60, 2);
  }
  EXPECT_EQ(tasks[0] + tasks[1], 600);
  EXPECT_GT(tasks[0], 3 * tasks[1]);
  ThreadPool::Delete(pool);
}

// All threads on one core, the caller in a class that keeps the workers' from running: it has to
// sleep while it waits for a worker that had begun. One that yields waits for ever.
TEST(ThreadPoolTest, DoesNotStarveAWorkerOfALowerClass) {
  std::thread([] {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(sched_getcpu(), &one);
    ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
    ThreadPool* pool = ThreadPool::Create(2);
    sched_param param = {};
    param.sched_priority = 1;
    if (sched_setscheduler(0, SCHED_FIFO, &param) != 0) {
      ThreadPool::Delete(pool);
      GTEST_SKIP() << "SCHED_FIFO takes a privilege that this user does not have";
    }
    timespec start, end;
    clock_gettime(CLOCK_MONOTONIC, &start);
    std::atomic<int> done{0};
    for (int round = 0; round < 100; ++round) {
      pool->Run(
          [](void* job, int, int worker) {
            if (worker == 0) usleep(50);  // lets the worker begin one that it cannot end
            for (volatile int i = 0; i < 20000;) i = i + 1;
            ++*static_cast<std::atomic<int>*>(job);
          },
          &done, 8, 2);
    }
    clock_gettime(CLOCK_MONOTONIC, &end);
    EXPECT_EQ(done, 800);
    const double seconds = static_cast<double>(end.tv_sec - start.tv_sec) +
                           static_cast<double>(end.tv_nsec - start.tv_nsec) * 1e-9;
    EXPECT_LT(seconds, 1);  // 0.03; where only Linux's limit of such classes helps, 3
    ThreadPool::Delete(pool);
  }).join();
}

// The child has only the thread that forked: it works alone, and deleting does not wait for others.
TEST(ThreadPoolTest, RunsAndIsDeletedInTheChildOfAFork) {
  ThreadPool* pool = ThreadPool::Create(3);
  Job before;
  pool->Run(Count, &before, 100, 3);
  usleep(20000);  // the workers sleep: as many wait for the condition as the child has none
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    alarm(20);
    Job job;
    pool->Run(Count, &job, 100, 3);
    bool good = true;
    for (int calls : job.plain) good = good && calls == 1;
    ThreadPool::Delete(pool);
    _exit(good ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  Job after;
  pool->Run(Count, &after, 100, 3);
  for (int calls : after.plain) ASSERT_EQ(calls, 1);
  ThreadPool::Delete(pool);
}

TEST(ThreadPoolTest, RefusesSillyNumbers) {
  EXPECT_EQ(ThreadPool::Create(0), nullptr);
  EXPECT_EQ(ThreadPool::Create(kMaxThreads + 1), nullptr);
}

}  // namespace
}  // namespace xncaps
