// larq-compute-engine's ops alone, of every instruction set; caches warm, one thread.
#include <benchmark/benchmark.h>

#include <random>
#include <string>
#include <vector>

#include "kernels/dispatch.h"
#include "kernels/lce.h"

namespace xncaps {
namespace {

std::vector<uint32_t> Bits(size_t words) {
  std::mt19937 random(1);
  std::vector<uint32_t> bits(words);
  for (auto& x : bits) x = static_cast<uint32_t>(random());
  return bits;
}

void Bconv(benchmark::State& state, const LceKernels* kernels, int size, int channels,
           LceOutput output) {
  BconvParams params;
  params.y.filter = params.x.filter = 3;
  params.y.same = params.x.same = true;
  params.in_c = params.out_c = channels;
  params.output = output;
  const int words = WordsOf(channels);
  const std::vector<uint32_t> filter = Bits(static_cast<size_t>(channels) * 9 * words);
  const std::vector<uint32_t> in = Bits(static_cast<size_t>(size) * size * words);
  const std::vector<float> ones(static_cast<size_t>(channels), 1.0f);
  const std::vector<int32_t> thresholds(static_cast<size_t>(channels), channels * 9 / 2);
  std::vector<float> out(static_cast<size_t>(size) * size * channels);
  BconvLayer layer;
  const bool ready =
      layer.Pack(params, {filter.data(), ones.data(), ones.data(), thresholds.data()}, kernels) ==
          Status::kOk &&
      layer.Resize(size, size, 1) == Status::kOk;
  if (!ready) return state.SkipWithError("no memory");
  for (auto _ : state) {
    if (layer.Run(nullptr, {in.data(), in.size() * 4}, 1, {out.data(), out.size() * 4}) !=
        Status::kOk) {
      return state.SkipWithError("too small");
    }
    benchmark::DoNotOptimize(out.data());
    benchmark::ClobberMemory();
  }
  state.counters["bits/ns"] =
      benchmark::Counter(static_cast<double>(size) * size * channels * channels * 9 * 1e-9,
                         benchmark::Counter::kIsIterationInvariantRate);
}

void Quantize(benchmark::State& state, const LceKernels* kernels, size_t rows, size_t cols) {
  std::vector<float> in(rows * cols);
  std::mt19937 random(1);
  for (auto& x : in) x = static_cast<float>(random()) - 2147483648.0f;
  std::vector<uint32_t> out(rows * ((cols + 31) / 32));
  for (auto _ : state) {
    const Status status =
        LceQuantize(*kernels, nullptr, LceType::kFloat, {in.data(), in.size() * 4}, rows, cols, 0,
                    {out.data(), out.size() * 4});
    if (status != Status::kOk) return state.SkipWithError("too small");
    benchmark::DoNotOptimize(out.data());
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * in.size() * 4));
}

void Register(const Isa& isa) {
  const struct {
    const char* name;
    LceOutput output;
  } outputs[] = {
      {"float", LceOutput::kFloat}, {"int8", LceOutput::kInt8}, {"bits", LceOutput::kBits}};
  const int sizes[][2] = {{56, 64}, {28, 128}, {14, 256}, {7, 512}};
  for (const auto& size : sizes) {
    for (const auto& kind : outputs) {
      const std::string name = std::string("bconv3x3_") + kind.name + "/" + isa.name + "/" +
                               std::to_string(size[0]) + "x" + std::to_string(size[1]);
      benchmark::RegisterBenchmark(name.c_str(), Bconv, isa.lce, size[0], size[1], kind.output)
          ->Unit(benchmark::kMicrosecond);
    }
  }
  for (size_t cols : {64, 70}) {
    const std::string name = std::string("quantize/") + isa.name + "/3136x" + std::to_string(cols);
    benchmark::RegisterBenchmark(name.c_str(), Quantize, isa.lce, 3136, cols)
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
    if (isas[i].available()) xncaps::Register(isas[i]);
  }
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
