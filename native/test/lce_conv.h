// A binary convolution with inputs of its own, run by one instruction set's kernels and by the
// reference.
#ifndef XNCAPS_TEST_LCE_CONV_H_
#define XNCAPS_TEST_LCE_CONV_H_

#include <stdio.h>

#include <random>
#include <string>
#include <vector>

#include "kernels/lce.h"
#include "kernels/thread_pool.h"
#include "test/guarded.h"
#include "test/isa_main.h"

namespace xncaps {

// Bits of `pixels` pixels, zero behind the last channel.
inline std::vector<uint32_t> RandomBits(std::mt19937* random, size_t pixels, int channels) {
  const size_t words = static_cast<size_t>(WordsOf(channels));
  std::vector<uint32_t> bits(pixels * words);
  for (auto& x : bits) x = static_cast<uint32_t>((*random)());
  if (channels % 32 != 0) {
    for (size_t i = words - 1; i < bits.size(); i += words) bits[i] &= (1u << channels % 32) - 1;
  }
  return bits;
}

// A convolution with constants and inputs of its own, from a seed.
struct Conv {
  BconvParams params;
  int batch = 1;
  std::vector<uint32_t> filter, in;
  std::vector<float> multiplier, bias;
  std::vector<int32_t> thresholds;

  Conv(BconvParams p, int batch_size, unsigned seed = 1) : params(p), batch(batch_size) {
    std::mt19937 random(seed);
    std::uniform_real_distribution<float> uniform(-1, 1);
    const size_t taps = static_cast<size_t>(p.y.filter) * p.x.filter;
    filter = RandomBits(&random, static_cast<size_t>(p.out_c) * taps, p.in_c / p.groups);
    in = RandomBits(&random, static_cast<size_t>(batch) * p.y.in * p.x.in, p.in_c);
    const int bits = static_cast<int>(taps) * p.in_c / p.groups;
    for (int c = 0; c < p.out_c; ++c) {
      multiplier.push_back(c % 7 == 3 ? 0.0f : uniform(random));
      bias.push_back(uniform(random) * 10);
      thresholds.push_back(bits / 2 + static_cast<int>(random() % 9) - 4);
    }
  }

  BconvConstants constants() const {
    return {filter.data(), multiplier.data(), bias.data(), thresholds.data()};
  }
  size_t out_bytes() const {
    Window y = params.y, x = params.x;
    EXPECT_TRUE(y.Place() && x.Place());
    const size_t pixels = static_cast<size_t>(batch) * y.out * x.out;
    if (params.output == LceOutput::kBits) return pixels * WordsOf(params.out_c) * 4;
    return pixels * params.out_c * (params.output == LceOutput::kInt8 ? 1 : 4);
  }
};

inline std::vector<char> Reference(const Conv& conv) {
  std::vector<char> out(conv.out_bytes());
  BconvReference(conv.params, conv.constants(), conv.in.data(), conv.batch, out.data());
  return out;
}

inline std::vector<char> RunConv(const Isa& isa, const Conv& conv, ThreadPool* pool = nullptr) {
  BconvLayer layer;
  EXPECT_EQ(layer.Pack(conv.params, conv.constants(), isa.lce), Status::kOk);
  EXPECT_EQ(layer.Resize(conv.params.y.in, conv.params.x.in, pool ? pool->threads() : 1),
            Status::kOk);
  Guarded in(conv.in.data(), conv.in.size() * 4), out(conv.out_bytes());
  EXPECT_EQ(layer.Run(pool, in.in(), conv.batch, out.out()), Status::kOk);
  return std::vector<char>(out.as<char>(), out.as<char>() + conv.out_bytes());
}

inline std::string Describe(const Conv& conv) {
  const BconvParams& p = conv.params;
  char text[300];
  snprintf(text, sizeof text,
           "batch %d, %dx%dx%d -> %d, filter %dx%d, stride %dx%d, dilation %dx%d, groups %d, "
           "same %d, zeros %d, activation %d, output %d",
           conv.batch, p.y.in, p.x.in, p.in_c, p.out_c, p.y.filter, p.x.filter, p.y.stride,
           p.x.stride, p.y.dilation, p.x.dilation, p.groups, p.y.same, p.zero_padding,
           static_cast<int>(p.activation), static_cast<int>(p.output));
  return text;
}

inline void ExpectReference(const Isa& isa, const Conv& conv, ThreadPool* pool = nullptr) {
  ASSERT_EQ(RunConv(isa, conv, pool), Reference(conv)) << Describe(conv);
}

inline BconvParams Params(int size, int filter, int in_c, int out_c, LceOutput output) {
  BconvParams p;
  p.y.in = p.x.in = size;
  p.y.filter = p.x.filter = filter;
  p.y.same = p.x.same = true;
  p.in_c = in_c, p.out_c = out_c;
  p.output = output;
  if (output == LceOutput::kInt8) p.scale = 0.37, p.zero_point = -5;
  return p;
}

inline constexpr LceOutput kOutputs[] = {LceOutput::kFloat, LceOutput::kInt8, LceOutput::kBits};

}  // namespace xncaps

#endif  // XNCAPS_TEST_LCE_CONV_H_
