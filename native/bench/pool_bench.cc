// The pool's strips on cores of unequal speed: a strip of the second worker takes `slower` times as
// many steps. That is a core of a lower clock, which bench_threads.py cannot make of a process that
// takes the core away in between; so means mean something here.
#include <benchmark/benchmark.h>

#include "kernels/thread_pool.h"

namespace xncaps {
namespace {

struct Work {
  int steps, slower;
};

// A chain of multiplications: as long as its steps are many, whatever else the core has to do.
void Strip(void* job, int index, int worker) {
  const Work* work = static_cast<const Work*>(job);
  const int steps = worker == 0 ? work->steps : work->steps * work->slower;
  uint32_t x = static_cast<uint32_t>(index);
  for (int i = 0; i < steps; ++i) benchmark::DoNotOptimize(x = x * 1664525u + 1013904223u);
}

void Run(benchmark::State& state, int threads, int slower) {
  ThreadPool* pool = ThreadPool::Create(threads);
  if (pool == nullptr) return state.SkipWithError("no threads");
  Work work = {static_cast<int>(state.range(1)), slower};
  for (auto _ : state) pool->Run(Strip, &work, static_cast<int>(state.range(0)), threads);
  ThreadPool::Delete(pool);
}

// Strips, and steps of one: 32 of a few microseconds are batch 32 of XnCapsOdr N128 J10.
void Sizes(benchmark::internal::Benchmark* bench) {
  bench->Args({32, 4000})
      ->Args({32, 1000})
      ->Args({8, 4000})
      ->UseRealTime()
      ->Unit(benchmark::kMicrosecond);
}

BENCHMARK_CAPTURE(Run, one_thread, 1, 1)->Apply(Sizes);
BENCHMARK_CAPTURE(Run, two_threads, 2, 1)->Apply(Sizes);
BENCHMARK_CAPTURE(Run, second_at_half_speed, 2, 2)->Apply(Sizes);
BENCHMARK_CAPTURE(Run, second_at_a_quarter, 2, 4)->Apply(Sizes);

}  // namespace
}  // namespace xncaps

BENCHMARK_MAIN();
