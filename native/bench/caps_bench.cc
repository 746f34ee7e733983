// The capsule kernels alone, of every instruction set; caches warm, one thread.
#include <benchmark/benchmark.h>

#include <random>
#include <string>
#include <vector>

#include "kernels/caps.h"
#include "kernels/dispatch.h"

namespace xncaps {
namespace {

void RunLayer(benchmark::State& state, CapsParams params, const CapsKernels* kernels) {
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
  for (auto _ : state) {
    layer.Run(nullptr, u.data(), 1, v.data());
    benchmark::DoNotOptimize(v.data());
    benchmark::ClobberMemory();
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
    benchmark::RegisterBenchmark(name.c_str(), RunLayer, params, isa.caps)
        ->Unit(benchmark::kMicrosecond);
  }
}

}  // namespace
}  // namespace xncaps

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
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
