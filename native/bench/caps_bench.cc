// The capsule kernels alone, of every instruction set; one thread, caches warm, or cold (cold/...:
// 64 MB walked before each run). bound/read/... reads as many bytes as the constants have and does
// nothing else; bound/float_layer/... moves what a layer with float weights has to: no kernel that
// needs it all can be faster.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <random>
#include <string>
#include <vector>

#include "kernels/caps.h"
#include "kernels/dispatch.h"
#include "kernels/memory.h"

namespace xncaps {
namespace {

// Walks memory that the caches must make room for.
void FlushCaches() {
  static std::vector<char> junk(64 << 20, 1);
  for (size_t i = 0; i < junk.size(); i += 64) ++junk[i];
  benchmark::ClobberMemory();
}

constexpr int kColdRuns = 51;

// Times `run`; where `cold` the median of some runs, the caches emptied before each.
template <typename F>
void Measure(benchmark::State& state, bool cold, F run) {
  for (auto _ : state) {
    if (!cold) {
      run();
      continue;
    }
    std::vector<double> times;
    for (int i = 0; i < kColdRuns; ++i) {
      FlushCaches();
      const auto start = std::chrono::steady_clock::now();
      run();
      const auto stop = std::chrono::steady_clock::now();
      times.push_back(std::chrono::duration<double>(stop - start).count());
    }
    std::sort(times.begin(), times.end());
    state.SetIterationTime(times[kColdRuns / 2]);
  }
}

void RunLayer(benchmark::State& state, CapsParams params, const CapsKernels* kernels, bool cold) {
  std::mt19937 random(1);
  std::normal_distribution<float> normal(0, 0.1f);
  const size_t nje = static_cast<size_t>(params.n) * params.j * params.e;
  std::vector<float> kernel(nje * params.d), scale(nje),
      u(static_cast<size_t>(params.n) * params.d);
  std::vector<float> v(static_cast<size_t>(params.j) * params.e);
  std::vector<uint8_t> bits(nje * ((params.d + 7) / 8));
  for (auto& x : kernel) x = normal(random);
  for (auto& x : scale) x = 0.1f + normal(random) * normal(random);
  for (auto& x : u) x = normal(random) > 0 ? normal(random) : 0;
  for (auto& x : bits) x = static_cast<uint8_t>(random());
  CapsLayer layer;
  const bool ready =
      layer.Pack(params, {bits.data(), scale.data(), kernel.data()}, kernels) == Status::kOk &&
      layer.Reserve(1) == Status::kOk;
  if (!ready) return state.SkipWithError("no memory");
  Measure(state, cold, [&] {
    if (layer.Run(nullptr, {u.data(), u.size() * 4}, 1, {v.data(), v.size() * 4}) != Status::kOk)
      return state.SkipWithError("too small");
    benchmark::DoNotOptimize(v.data());
    benchmark::ClobberMemory();
  });
}

#ifdef __x86_64__
#define XNCAPS_WIDE __attribute__((target("avx2")))
#else
#define XNCAPS_WIDE
#endif

// Sums memory into eight partial sums: as fast as it is delivered.
XNCAPS_WIDE void Sum(const char* memory, size_t bytes) {
  typedef int Vector __attribute__((vector_size(32)));
  Vector sums[8] = {};
  for (size_t i = 0; i + 256 <= bytes; i += 256) {
    const Vector* v = reinterpret_cast<const Vector*>(memory + i);
#pragma GCC unroll 8
    for (int k = 0; k < 8; ++k) sums[k] += v[k];
  }
  for (auto& sum : sums) benchmark::DoNotOptimize(sum);
}

void ReadMemory(benchmark::State& state, size_t bytes, bool cold) {
  Buffer memory;
  if (!memory.Reserve(bytes)) return state.SkipWithError("no memory");
  Measure(state, cold, [&] { Sum(memory.as<char>(), bytes); });
  if (cold) return;
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations()) * static_cast<int64_t>(bytes));
}

XNCAPS_WIDE void Fill(char* memory, size_t bytes, int value) {
  typedef int Vector __attribute__((vector_size(32)));
  const Vector filling = Vector{} + value;
  for (size_t i = 0; i + 32 <= bytes; i += 32) *reinterpret_cast<Vector*>(memory + i) = filling;
  benchmark::ClobberMemory();
}

// The weights once, to and fro in turns so that what the caches still hold is read first, u_hat
// written beside them, and read in both later turns of the routing; no arithmetic.
void MoveFloatLayer(benchmark::State& state, bool cold) {
  constexpr size_t kParts = 10, kWeights = 128 * 8 * 16 * 4, kUhat = 128 * 16 * 4;  // of a part
  Buffer weights, uhat;
  if (!weights.Reserve(kParts * kWeights) || !uhat.Reserve(kParts * kUhat))
    return state.SkipWithError("no memory");
  unsigned runs = 0;
  Measure(state, cold, [&] {
    const bool backwards = ++runs % 2 != 0;
    for (size_t i = 0; i < kParts; ++i) {
      const size_t part = backwards ? kParts - 1 - i : i;
      Sum(weights.as<char>() + part * kWeights, kWeights);
      Fill(uhat.as<char>() + part * kUhat, kUhat, static_cast<int>(runs));
    }
    for (int turn = 0; turn < 2; ++turn) Sum(uhat.as<char>(), kParts * kUhat);
  });
}

void RegisterBounds() {
  benchmark::RegisterBenchmark("bound/float_layer/N128_D8_J10_E16", MoveFloatLayer, false)
      ->Unit(benchmark::kMicrosecond);
  benchmark::RegisterBenchmark("cold/bound/float_layer/N128_D8_J10_E16", MoveFloatLayer, true)
      ->Unit(benchmark::kMicrosecond)
      ->UseManualTime()
      ->Iterations(1);
  const struct {
    const char* name;
    size_t bytes;
  } bounds[] = {{"float_weights_N128_D8_J10_E16", 128 * 8 * 10 * 16 * 4},
                {"bits_and_scales_N128_D8_J10_E16", 128 * 10 * 16 * (1 + 4)},
                {"half_of_L2", 256 << 10}};
  for (const auto& bound : bounds) {
    const std::string name = std::string("bound/read/") + bound.name;
    benchmark::RegisterBenchmark(name.c_str(), ReadMemory, bound.bytes, false)
        ->Unit(benchmark::kMicrosecond);
    benchmark::RegisterBenchmark(("cold/" + name).c_str(), ReadMemory, bound.bytes, true)
        ->Unit(benchmark::kMicrosecond)
        ->UseManualTime()
        ->Iterations(1);
  }
}

void Register(const Isa& isa, int n, int d, int j, int e) {
  const struct {
    const char* name;
    CapsType type;
    ScaleMode scale;
  } kinds[] = {{"odr_channel", CapsType::kOdr, ScaleMode::kChannel},
               {"odr_capsule", CapsType::kOdr, ScaleMode::kCapsule},
               {"odr_none", CapsType::kOdr, ScaleMode::kNone},
               {"idr", CapsType::kIdr, ScaleMode::kNone},
               {"fc", CapsType::kFc, ScaleMode::kNone}};
  for (const auto& kind : kinds) {
    CapsParams params;
    params.type = kind.type;
    params.scale = kind.scale;
    params.n = n, params.d = d, params.j = j, params.e = e, params.r = 3;
    const std::string name = std::string(kind.name) + "/" + isa.name + "/N" + std::to_string(n) +
                             "_D" + std::to_string(d) + "_J" + std::to_string(j) + "_E" +
                             std::to_string(e);
    benchmark::RegisterBenchmark(name.c_str(), RunLayer, params, isa.caps, false)
        ->Unit(benchmark::kMicrosecond);
    benchmark::RegisterBenchmark(("cold/" + name).c_str(), RunLayer, params, isa.caps, true)
        ->Unit(benchmark::kMicrosecond)
        ->UseManualTime()
        ->Iterations(1);
  }
}

}  // namespace
}  // namespace xncaps

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  xncaps::RegisterBounds();
  int count = 0;
  const xncaps::Isa* isas = xncaps::AllIsas(&count);
  for (int i = 0; i < count; ++i) {
    if (!isas[i].available()) continue;
#define XNCAPS_SHAPE(n, d, j, e) xncaps::Register(isas[i], n, d, j, e);
#include "bench/shapes.inc"
#undef XNCAPS_SHAPE
  }
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
