// The projection of XnCapsOdr by hand (simd_avx2.h) and by Google Highway, in one program with one
// set of flags: what decided which of them the kernels use.
#include <benchmark/benchmark.h>
#include <hwy/highway.h>
#include <stdint.h>

#include "kernels/caps_project.h"
#include "kernels/memory.h"
#include "kernels/simd_avx2.h"

namespace xncaps {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

static_assert(HWY_TARGET == HWY_AVX2, "build with the flags of AVX2");

constexpr int kPoses = 16, kClasses = 10, kCapsules = 128;

// ProjectOdrRow<false, 1> in Highway's words; the same products, order of sums and memory.
XNCAPS_INLINE void HighwayRow(const uint8_t* x, const uint8_t* bits, const float* scale,
                              float* uhat, float* acc, bool first, const float* beta) {
  const hn::FixedTag<uint8_t, 32> bytes;
  const hn::FixedTag<int8_t, 32> signed_bytes;
  const hn::FixedTag<int32_t, 8> words;
  const hn::FixedTag<float, 8> floats;
  alignas(16) static const int8_t kTable[16] = {4, 2, 2, 0,  2, 0,  0,  -2,
                                                2, 0, 0, -2, 0, -2, -2, -4};
  const auto table = hn::LoadDup128(signed_bytes, kTable);
  const auto nibble = hn::Set(bytes, 15);
  const auto top = hn::Set(words, static_cast<int32_t>(0xff000000u));
  // Each fourth byte to the top of its word.
  const auto take = [&](int byte) HWY_ATTR {
    return hn::BitCast(signed_bytes,
                       hn::Add(hn::Set(words, (byte << 24) | 0x00808080),
                               hn::ShiftLeft<26>(hn::And(hn::Iota(words, 0), hn::Set(words, 3)))));
  };
  const auto take0 = take(0), take1 = take(1), take2 = take(2);
  const auto x0 = hn::LoadU(bytes, x);
  const auto b0 = hn::LoadU(floats, beta), b1 = hn::LoadU(floats, beta + 8),
             b2 = hn::LoadU(floats, beta + 16), b3 = hn::LoadU(floats, beta + 24);
  for (int e = 0; e < kPoses; ++e) {
    const auto t = hn::Xor(x0, hn::LoadU(bytes, bits + e * kBlock));
    const auto low = hn::And(t, nibble), high = hn::ShiftRight<4>(t);
    const auto sums = hn::Add(hn::TableLookupBytes(table, hn::BitCast(signed_bytes, low)),
                              hn::TableLookupBytes(table, hn::BitCast(signed_bytes, high)));
    auto f0 = hn::ConvertTo(floats, hn::BitCast(words, hn::TableLookupBytesOr0(sums, take0)));
    auto f1 = hn::ConvertTo(floats, hn::BitCast(words, hn::TableLookupBytesOr0(sums, take1)));
    auto f2 = hn::ConvertTo(floats, hn::BitCast(words, hn::TableLookupBytesOr0(sums, take2)));
    auto f3 = hn::ConvertTo(floats, hn::And(hn::BitCast(words, sums), top));
    const float* s = scale + e * kBlock;
    f0 = hn::Mul(f0, hn::LoadU(floats, s));
    f1 = hn::Mul(f1, hn::LoadU(floats, s + 8));
    f2 = hn::Mul(f2, hn::LoadU(floats, s + 16));
    f3 = hn::Mul(f3, hn::LoadU(floats, s + 24));
    float* to = uhat + e * kBlock;
    hn::StoreU(f0, floats, to);
    hn::StoreU(f1, floats, to + 8);
    hn::StoreU(f2, floats, to + 16);
    hn::StoreU(f3, floats, to + 24);
    const auto start =
        first ? hn::Mul(b0, f0) : hn::MulAdd(b0, f0, hn::LoadU(floats, acc + e * kGroup));
    const auto even = hn::MulAdd(b2, f2, start), odd = hn::MulAdd(b3, f3, hn::Mul(b1, f1));
    const auto sum = hn::Add(even, odd);
    hn::StoreU(sum, floats, acc + e * kGroup);
  }
}

struct Data {
  Buffer bits, scale, uhat, acc, beta, x;
  bool ready = bits.Reserve(kRows * kBlock) && scale.Reserve(kRows * kBlock * 4) &&
               uhat.Reserve(kRows * kBlock * 4) && acc.Reserve(kClasses * kPoses * kGroup * 4) &&
               beta.Reserve(kCapsules * 4) && x.Reserve(kCapsules);
  static constexpr size_t kRows = static_cast<size_t>(kCapsules) / kBlock * kClasses * kPoses;

  Data() {
    unsigned seed = 1;
    const auto next = [&] { return (seed = seed * 1664525 + 1013904223) >> 24; };
    for (size_t i = 0; i < kRows * kBlock; ++i) {
      bits.as<uint8_t>()[i] = static_cast<uint8_t>(next());
      scale.as<float>()[i] = static_cast<float>(next()) / 2560;
    }
    for (int i = 0; i < kCapsules; ++i) {
      x.as<uint8_t>()[i] = static_cast<uint8_t>(next());
      beta.as<float>()[i] = static_cast<float>(next()) / 256;
    }
  }
};

template <bool kHighway, bool kFirst>
static void Block(const Data& data, int nb) {
  const float* beta = data.beta.as<float>() + nb * kBlock;
  const uint8_t* x = data.x.as<uint8_t>() + nb * kBlock;
  Avx2Vectors::F8 c[kVectors];
  XNCAPS_UNROLL4(k) c[k] = Avx2Vectors::Load(beta + k * kGroup);
  for (int j = 0; j < kClasses; ++j) {
    const size_t at = (static_cast<size_t>(nb) * kClasses + j) * kPoses * kBlock;
    float* acc = data.acc.as<float>() + static_cast<size_t>(j) * kPoses * kGroup;
    const uint8_t* bits = data.bits.as<uint8_t>() + at;
    const float* scale = data.scale.as<float>() + at;
    float* uhat = data.uhat.as<float>() + at;
    if (kHighway)
      HighwayRow(x, bits, scale, uhat, acc, kFirst, beta);
    else
      CapsProject<Avx2Vectors>::ProjectOdrRow<false, 1>(x, bits, scale, uhat, acc, kPoses, 1,
                                                        Avx2Vectors::SetBytes(0), kFirst, c);
  }
}

template <bool kHighway>
static void Project(const Data& data) {
  Block<kHighway, true>(data, 0);
  for (int nb = 1; nb < kCapsules / kBlock; ++nb) Block<kHighway, false>(data, nb);
}

template <bool kHighway>
static void Run(benchmark::State& state) {
  Data data, other;
  if (!data.ready || !other.ready) return state.SkipWithError("no memory");
  Project<false>(data);
  Project<true>(other);
  if (memcmp(data.uhat.data(), other.uhat.data(), Data::kRows * kBlock * 4) != 0 ||
      memcmp(data.acc.data(), other.acc.data(), kClasses * kPoses * kGroup * 4) != 0) {
    return state.SkipWithError("the two differ");
  }
  for (auto _ : state) {
    Project<kHighway>(data);
    benchmark::ClobberMemory();
  }
}

BENCHMARK(Run<false>)->Name("odr_project/by_hand")->Unit(benchmark::kMicrosecond);
BENCHMARK(Run<true>)->Name("odr_project/highway")->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace xncaps

BENCHMARK_MAIN();
