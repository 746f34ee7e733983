// Every instruction set's kernels of larq-compute-engine's ops against the reference.
#include "kernels/lce.h"

#include <math.h>

#include <random>
#include <vector>

#include "kernels/thread_pool.h"
#include "test/guarded.h"
#include "test/isa_main.h"
#include "test/lce_conv.h"

namespace xncaps {
namespace {

class LceTest : public IsaTest {};
XNCAPS_FOR_EACH_ISA(LceTest);

uint32_t Word(const void* words, size_t i) { return LoadUnaligned<uint32_t>(words, i); }
// Round each block of channels, of four blocks, of words; round the tile of pixels.
TEST_P(LceTest, EveryNumberOfChannelsEqualsTheReference) {
  for (LceOutput output : kOutputs) {
    for (int out_c : {1, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 95, 96, 127, 128, 129, 200})
      ExpectReference(*GetParam(), Conv(Params(3, 3, 40, out_c, output), 1));
    for (int in_c : {1, 31, 32, 33, 64, 96, 100, 128, 160, 192, 224, 256, 257})
      ExpectReference(*GetParam(), Conv(Params(3, 3, in_c, 35, output), 1));
    for (int size : {1, 2, 4, 5, 6, 7, 11, 12, 17}) {
      ExpectReference(*GetParam(), Conv(Params(size, 1, 64, 33, output), 1));
      ExpectReference(*GetParam(), Conv(Params(size, 3, 32, 70, output), 2));
    }
  }
}

// Everything at random.
TEST_P(LceTest, ManyConvolutionsEqualTheReference) {
  std::mt19937 random(7);
  const auto below = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  int done = 0;
  for (unsigned seed = 0; done < 400; ++seed) {
    BconvParams p;
    p.groups = below(3) == 0 ? 1 + below(4) : 1;
    p.in_c = p.groups > 1 ? 32 * p.groups * (1 + below(2)) : 1 + below(130);
    p.out_c = p.groups * (1 + below(p.groups > 1 ? 40 : 140));
    p.y.in = 1 + below(9), p.x.in = 1 + below(9);
    p.y.filter = 1 + below(4), p.x.filter = 1 + below(4);
    p.y.stride = 1 + below(3), p.x.stride = 1 + below(3);
    p.y.dilation = 1 + below(3), p.x.dilation = 1 + below(3);
    p.y.same = p.x.same = below(3) > 0;
    p.output = kOutputs[below(3)];
    p.activation = static_cast<LceActivation>(below(4));
    p.scale = 0.1 + below(100) * 0.01;
    p.zero_point = below(256) - 128;
    p.zero_padding = p.y.same && below(2) == 0;
    if (p.zero_padding && p.in_c / p.groups % 2 != 0)
      p.output = LceOutput::kFloat, p.activation = LceActivation::kNone;
    Window y = p.y, x = p.x;
    if (!y.Place() || !x.Place()) continue;
    ExpectReference(*GetParam(), Conv(p, 1 + below(3), seed));
    ++done;
  }
}

// One bit set in the filter and one in the input: they meet in one place only.
TEST_P(LceTest, BitsMeetInOrder) {
  constexpr int kChannels = 70;
  for (int bit = 0; bit < kChannels; ++bit) {
    Conv conv(Params(1, 1, kChannels, kChannels, LceOutput::kFloat), 1);
    std::fill(conv.filter.begin(), conv.filter.end(), 0u);
    std::fill(conv.in.begin(), conv.in.end(), 0u);
    for (int c = 0; c < kChannels; ++c) {
      conv.filter[static_cast<size_t>(c * 3 + c / 32)] = 1u << c % 32;
      conv.multiplier[static_cast<size_t>(c)] = 1, conv.bias[static_cast<size_t>(c)] = 0;
    }
    conv.in[static_cast<size_t>(bit / 32)] = 1u << bit % 32;
    const std::vector<char> out = RunConv(*GetParam(), conv);
    for (int c = 0; c < kChannels; ++c) {
      ASSERT_EQ(LoadUnaligned<float>(out.data(), static_cast<size_t>(c)),
                static_cast<float>(c == bit ? kChannels : kChannels - 4))
          << "bit " << bit << " channel " << c;
    }
  }
}

TEST_P(LceTest, ConstantsAndTensorsMayBeUnaligned) {
  for (LceOutput output : kOutputs) {
    const Conv conv(Params(5, 3, 40, 37, output), 1);
    const std::vector<char> want = Reference(conv);
    for (size_t offset = 1; offset <= 15; ++offset) {
      std::vector<std::vector<char>> copies;
      const auto moved = [&](const void* from, size_t bytes) {
        copies.emplace_back(bytes + 128);
        char* base = copies.back().data();
        base += (64 - reinterpret_cast<uintptr_t>(base) % 64) % 64 + offset;
        memcpy(base, from, bytes);
        return base;
      };
      const BconvConstants constants = {
          moved(conv.filter.data(), conv.filter.size() * 4), moved(conv.multiplier.data(), 37 * 4),
          moved(conv.bias.data(), 37 * 4), moved(conv.thresholds.data(), 37 * 4)};
      BconvLayer layer;
      ASSERT_EQ(layer.Pack(conv.params, constants, GetParam()->lce), Status::kOk);
      ASSERT_EQ(layer.Resize(5, 5, 1), Status::kOk);
      const char* in = moved(conv.in.data(), conv.in.size() * 4);
      std::vector<char> out(want.size());
      ASSERT_EQ(layer.Run(nullptr, {in, conv.in.size() * 4}, 1, Out(&out)), Status::kOk);
      ASSERT_EQ(out, want) << offset;
    }
  }
}

// More ones than 16 bits can count.
TEST_P(LceTest, HugeFiltersDoNotOverflow) {
  for (int in_c : {32 * 2047, 32 * 2048, 32 * 2100}) {
    Conv conv(Params(1, 1, in_c, 3, LceOutput::kFloat), 1);
    std::fill(conv.in.begin(), conv.in.end(), ~0u);
    std::fill(conv.filter.begin(), conv.filter.end(), 0u);
    ExpectReference(*GetParam(), conv);
  }
}

TEST_P(LceTest, ThreadsGiveTheSame) {
  ThreadPool* pool = ThreadPool::Create(3);
  ASSERT_NE(pool, nullptr);
  for (LceOutput output : kOutputs) {
    for (int batch : {1, 2, 5}) {
      const Conv conv(Params(17, 3, 256, 100, output), batch);
      EXPECT_EQ(RunConv(*GetParam(), conv, pool), RunConv(*GetParam(), conv));
    }
  }
  std::vector<float> values(301 * 1003);
  std::mt19937 random(1);
  for (auto& x : values) x = static_cast<float>(random()) - 2147483648.0f;
  std::vector<uint32_t> one(301 * 32), many(301 * 32);
  const LceKernels& kernels = *GetParam()->lce;
  ASSERT_EQ(LceQuantize(kernels, nullptr, LceType::kFloat, In(values), 301, 1003, 0, Out(&one)),
            Status::kOk);
  ASSERT_EQ(LceQuantize(kernels, pool, LceType::kFloat, In(values), 301, 1003, 0, Out(&many)),
            Status::kOk);
  EXPECT_EQ(one, many);
  ThreadPool::Delete(pool);
}

TEST_P(LceTest, ALayerRunsAtEverySizeAfterTheOther) {
  Conv conv(Params(1, 3, 64, 40, LceOutput::kInt8), 1);
  BconvLayer layer;
  ASSERT_EQ(layer.Pack(conv.params, conv.constants(), GetParam()->lce), Status::kOk);
  for (int size : {3, 9, 1, 14, 2}) {
    Conv at(Params(size, 3, 64, 40, LceOutput::kInt8), 2);
    at.filter = conv.filter, at.multiplier = conv.multiplier, at.bias = conv.bias;
    ASSERT_EQ(layer.Resize(size, size, 1), Status::kOk);
    std::vector<char> out(at.out_bytes());
    ASSERT_EQ(layer.Run(nullptr, In(at.in), 2, Out(&out)), Status::kOk);
    ASSERT_EQ(out, Reference(at)) << size;
  }
}

TEST_P(LceTest, QuantizePacksSigns) {
  const float odd[] = {0.0f, -0.0f, 1e-42f, -1e-42f, -1.17549435e-38f, INFINITY, -INFINITY, NAN};
  const bool odd_bits[] = {false, false, false, false, true, false, true, false};
  std::mt19937 random(3);
  for (size_t cols : {1, 31, 32, 33, 63, 64, 70, 96, 128, 130}) {
    for (size_t rows : {1, 2, 5}) {
      std::vector<float> values(rows * cols);
      std::vector<bool> bits(rows * cols);
      for (size_t i = 0; i < values.size(); ++i) {
        const size_t kind = random() % 16;
        values[i] = kind < 8 ? odd[kind] : kind < 12 ? -1.5f : 1.5f;
        bits[i] = kind < 8 ? odd_bits[kind] : kind < 12;
      }
      const size_t words = (cols + 31) / 32;
      Guarded in(values.data(), values.size() * 4), out(rows * words * 4);
      ASSERT_EQ(LceQuantize(*GetParam()->lce, nullptr, LceType::kFloat, in.in(), rows, cols, 0,
                            out.out()),
                Status::kOk);
      for (size_t i = 0; i < rows * words * 32; ++i) {
        const size_t row = i / (words * 32), col = i % (words * 32);
        const bool want = col < cols && bits[row * cols + col];
        ASSERT_EQ((Word(out.as<char>(), i / 32) >> (i % 32)) & 1, want ? 1u : 0u)
            << cols << " columns, row " << row << " column " << col;
      }
    }
  }
}

TEST_P(LceTest, QuantizePacksBytesBelowTheZeroPoint) {
  std::mt19937 random(4);
  for (size_t cols : {1, 31, 32, 33, 64, 70, 130}) {
    for (int zero : {-1000, -129, -128, -127, -1, 0, 5, 127, 128, 1000}) {
      std::vector<int8_t> values(3 * cols);
      for (auto& x : values) x = static_cast<int8_t>(random());
      const size_t words = (cols + 31) / 32;
      Guarded in(values.data(), values.size()), out(3 * words * 4);
      ASSERT_EQ(
          LceQuantize(*GetParam()->lce, nullptr, LceType::kInt8, in.in(), 3, cols, zero, out.out()),
          Status::kOk);
      for (size_t i = 0; i < 3 * words * 32; ++i) {
        const size_t row = i / (words * 32), col = i % (words * 32);
        const bool want = col < cols && values[row * cols + col] < zero;
        ASSERT_EQ((Word(out.as<char>(), i / 32) >> (i % 32)) & 1, want ? 1u : 0u)
            << cols << " columns, zero point " << zero << " at " << i;
      }
    }
  }
}

TEST_P(LceTest, DequantizeUndoesQuantize) {
  std::mt19937 random(5);
  for (int cols : {1, 7, 8, 9, 31, 32, 33, 39, 40, 64, 70, 130}) {
    const size_t count = 3 * static_cast<size_t>(cols);
    const std::vector<uint32_t> bits = RandomBits(&random, 3, cols);
    Guarded in(bits.data(), bits.size() * 4), floats(count * 4), bytes(count), bools(count);
    const LceKernels& kernels = *GetParam()->lce;
    const struct {
      LceType type;
      int clear, set;
      Bytes out;
    } cases[] = {{LceType::kFloat, 0, 0, floats.out()},
                 {LceType::kInt8, 90, -100, bytes.out()},
                 {LceType::kBool, 0, 0, bools.out()}};
    for (const auto& c : cases) {
      ASSERT_EQ(LceDequantize(kernels, nullptr, c.type, in.in(), 3, cols, c.clear, c.set, c.out),
                Status::kOk);
    }
    for (size_t i = 0; i < count; ++i) {
      const size_t row = i / cols, col = i % cols;
      const bool bit = bits[row * WordsOf(cols) + col / 32] >> (col % 32) & 1;
      ASSERT_EQ(LoadUnaligned<float>(floats.as<char>(), i), bit ? -1.0f : 1.0f) << i;
      ASSERT_EQ(bytes.as<int8_t>()[i], bit ? -100 : 90) << i;
      ASSERT_EQ(bools.as<uint8_t>()[i], bit ? 0 : 1) << i;
    }
  }
}

TEST_P(LceTest, PoolingKeepsTheLargestSign) {
  std::mt19937 random(6);
  for (int trial = 0; trial < 200; ++trial) {
    const auto below = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
    BmaxPool pool;
    pool.words = 1 + below(20);
    pool.y.in = 1 + below(8), pool.x.in = 1 + below(8);
    pool.y.filter = 1 + below(4), pool.x.filter = 1 + below(4);
    pool.y.stride = 1 + below(3), pool.x.stride = 1 + below(3);
    pool.y.same = pool.x.same = below(2) == 0;
    if (!pool.y.Place() || !pool.x.Place()) continue;
    const size_t words = static_cast<size_t>(pool.words);
    const size_t pixels = static_cast<size_t>(pool.y.out) * pool.x.out;
    const std::vector<uint32_t> bits =
        RandomBits(&random, 2 * static_cast<size_t>(pool.y.in) * pool.x.in, 32 * pool.words);
    Guarded in(bits.data(), bits.size() * 4), out(2 * pixels * words * 4);
    ASSERT_EQ(LceMaxPool(*GetParam()->lce, nullptr, pool, in.in(), 2, out.out()), Status::kOk);
    for (size_t i = 0; i < 2 * pixels * words; ++i) {
      const size_t pixel = i / words;
      const int oy = static_cast<int>(pixel % pixels) / pool.x.out;
      const int ox = static_cast<int>(pixel % pixels) % pool.x.out;
      uint32_t want = ~0u;
      for (int y = oy * pool.y.stride - pool.y.pad, fy = 0; fy < pool.y.filter; ++fy, ++y) {
        for (int x = ox * pool.x.stride - pool.x.pad, fx = 0; fx < pool.x.filter; ++fx, ++x) {
          if (y < 0 || y >= pool.y.in || x < 0 || x >= pool.x.in) continue;
          const size_t row = pixel / pixels * pool.y.in + y;
          want &= bits[(row * pool.x.in + x) * words + i % words];
        }
      }
      ASSERT_EQ(Word(out.as<char>(), i), want) << "trial " << trial << " at " << i;
    }
  }
}

// Bits of what is not a number, infinite, zero or denormal; multipliers and biases that are such.
TEST_P(LceTest, OddValuesGiveTheSameOnEveryInstructionSet) {
  int count = 0;
  const Isa& plain = AllIsas(&count)[0];
  const float odd[] = {NAN,    -NAN,    INFINITY, -INFINITY, 3.4e38f,         -3.4e38f,
                       1e-42f, -1e-42f, 0.0f,     -0.0f,     -1.17549435e-38f};
  std::mt19937 random(5);
  std::vector<float> values(3 * 77);
  for (auto& x : values) x = odd[random() % (sizeof odd / sizeof odd[0])];
  std::vector<uint32_t> want(3 * 3), made(3 * 3);
  for (auto* out : {&want, &made}) {
    const LceKernels& kernels = out == &want ? *plain.lce : *GetParam()->lce;
    ASSERT_EQ(LceQuantize(kernels, nullptr, LceType::kFloat, In(values), 3, 77, 0, Out(out)),
              Status::kOk);
  }
  EXPECT_EQ(made, want);
  for (size_t i = 0; i < values.size(); ++i) {
    const bool bit = want[i / 77 * 3 + i % 77 / 32] >> (i % 77 % 32) & 1;
    ASSERT_EQ(bit, values[i] <= kLargestNegative) << values[i];  // not a number is positive
  }
  for (LceOutput output : {LceOutput::kFloat, LceOutput::kInt8}) {
    Conv conv(Params(5, 3, 40, 70, output), 1);
    for (int c = 0; c < 70; c += 2) {
      conv.multiplier[static_cast<size_t>(c)] = odd[random() % 11];
      conv.bias[static_cast<size_t>(random() % 70)] = odd[random() % 11];
    }
    const std::vector<char> bytes = RunConv(*GetParam(), conv), plain_bytes = RunConv(plain, conv);
    if (output == LceOutput::kInt8) {
      EXPECT_EQ(bytes, plain_bytes);
      continue;
    }
    for (size_t i = 0; i < bytes.size() / 4; ++i) {
      const float a = LoadUnaligned<float>(bytes.data(), i);
      const float b = LoadUnaligned<float>(plain_bytes.data(), i);
      ASSERT_TRUE(a == b || (isnan(a) && isnan(b))) << i << ": " << a << ", " << b;
    }
  }
}

}  // namespace
}  // namespace xncaps
