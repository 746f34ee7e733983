// Every instruction set's capsule kernels against the reference.
#include "kernels/caps.h"

#include <math.h>

#include <random>
#include <vector>

#include "kernels/thread_pool.h"
#include "test/guarded.h"
#include "test/isa_main.h"

namespace xncaps {
namespace {

// float32 sums of up to some thousand terms of at most 1: eps * sqrt(depth) * a few operations.
constexpr float kTolerance = 2e-6f;

uint16_t FloatToHalf(float value) {  // of normal, small numbers; rounds towards zero
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  return static_cast<uint16_t>((bits >> 16 & 0x8000) | (((bits >> 23 & 255) - 112) << 10) |
                               (bits >> 13 & 1023));
}

// A layer with constants of its own, from a seed.
struct Layer {
  CapsParams params;
  std::vector<uint8_t> bits;
  std::vector<float> kernel, scale;
  std::vector<uint16_t> half_kernel, half_scale;
  std::vector<float> u;

  Layer(CapsType type, int n, int d, int j, int e, int r, ScaleMode mode, bool half, int batch) {
    params.type = type;
    params.n = n, params.d = d, params.j = j, params.e = e, params.r = r;
    params.scale = mode;
    params.half_scale = params.half_kernel = half;
    std::mt19937 random(static_cast<unsigned>(n * 131 + d * 31 + j * 7 + e));
    std::normal_distribution<float> normal(0, 0.3f);
    const size_t nje = static_cast<size_t>(n) * j * e;
    bits.resize(nje * ((d + 7) / 8));
    for (auto& x : bits) x = static_cast<uint8_t>(random());
    kernel.resize(nje * d);
    for (auto& x : kernel)
      x = normal(random) > 0 ? 0.001f + fabsf(normal(random)) : -0.001f - fabsf(normal(random));
    scale.resize(nje);
    for (auto& x : scale) x = fabsf(normal(random)) + 0.01f;
    for (float x : kernel) half_kernel.push_back(FloatToHalf(x));
    for (float x : scale) half_scale.push_back(FloatToHalf(x));
    u.resize(static_cast<size_t>(batch) * n * d);
    for (auto& x : u) x = normal(random) > 0.1f ? normal(random) : 0;
  }

  CapsConstants constants() const {
    const void* k =
        params.half_kernel ? static_cast<const void*>(half_kernel.data()) : kernel.data();
    const void* s = params.half_scale ? static_cast<const void*>(half_scale.data()) : scale.data();
    return {bits.data(), s, k};
  }
  size_t outputs(int batch) const { return static_cast<size_t>(batch) * params.j * params.e; }
};

std::vector<float> Reference(const Layer& layer, int batch) {
  std::vector<float> v(layer.outputs(batch));
  EXPECT_EQ(CapsReference(layer.params, layer.constants(), layer.u.data(), batch, v.data()),
            Status::kOk);
  return v;
}

std::vector<float> RunLayer(const Isa& isa, const Layer& layer, int batch,
                            ThreadPool* pool = nullptr) {
  CapsLayer packed;
  EXPECT_EQ(packed.Pack(layer.params, layer.constants(), isa.caps), Status::kOk);
  EXPECT_EQ(packed.Reserve(pool == nullptr ? 1 : pool->threads()), Status::kOk);
  Guarded u(layer.u.data(), layer.u.size() * sizeof(float)),
      v(layer.outputs(batch) * sizeof(float));
  EXPECT_EQ(packed.Run(pool, u.in(), batch, v.out()), Status::kOk);
  return std::vector<float>(v.as<float>(), v.as<float>() + layer.outputs(batch));
}

// XnIDR's agreement jumps where a u_hat or v is near 0, so one that float and double see on two
// sides moves a logit by 2/E of the means: compare those by share, see TestIdr.
void ExpectNear(const std::vector<float>& got, const std::vector<float>& want, float tolerance,
                const Layer& layer) {
  ASSERT_EQ(got.size(), want.size());
  for (size_t i = 0; i < got.size(); ++i) {
    ASSERT_NEAR(got[i], want[i], tolerance)
        << "at " << i << " of N=" << layer.params.n << " D=" << layer.params.d
        << " J=" << layer.params.j << " E=" << layer.params.e << " R=" << layer.params.r
        << " scale " << static_cast<int>(layer.params.scale) << " type "
        << static_cast<int>(layer.params.type);
  }
}

class CapsTest : public IsaTest {};
XNCAPS_FOR_EACH_ISA(CapsTest);

// Round each block: 32 capsules, groups of 8, bytes of 8 signs, past the sums that fit in a byte.
const int kShapes[][4] = {{1, 1, 1, 1},     {7, 8, 3, 4},    {8, 8, 2, 16},  {9, 8, 10, 16},
                          {31, 8, 5, 8},    {32, 8, 5, 8},   {33, 8, 5, 8},  {65, 8, 3, 7},
                          {128, 8, 10, 16}, {40, 16, 4, 16}, {40, 7, 4, 9},  {40, 9, 4, 9},
                          {33, 15, 2, 17},  {33, 17, 2, 15}, {20, 24, 3, 3}, {5, 120, 2, 4},
                          {5, 121, 2, 4},   {5, 128, 2, 4},  {3, 300, 2, 5}, {4, 8, 2, 120},
                          {4, 8, 2, 121},   {4, 8, 3, 130},  {2, 8, 100, 1}, {64, 8, 1, 16}};

TEST_P(CapsTest, EveryShapeAndScaleEqualsTheReference) {
  for (const auto& s : kShapes) {
    for (ScaleMode mode : {ScaleMode::kNone, ScaleMode::kCapsule, ScaleMode::kChannel}) {
      for (bool half : {false, true}) {
        const Layer layer(CapsType::kOdr, s[0], s[1], s[2], s[3], 3, mode, half, 2);
        // Without a scale the logits grow with D: so does the error.
        ExpectNear(RunLayer(*GetParam(), layer, 2), Reference(layer, 2),
                   kTolerance * (mode == ScaleMode::kNone ? 20 : 1), layer);
      }
    }
    for (bool half : {false, true}) {
      const Layer layer(CapsType::kFc, s[0], s[1], s[2], s[3], 3, ScaleMode::kNone, half, 2);
      ExpectNear(RunLayer(*GetParam(), layer, 2), Reference(layer, 2), kTolerance, layer);
    }
    const Layer layer(CapsType::kIdr, s[0], s[1], s[2], s[3], 3, ScaleMode::kNone, false, 2);
    ExpectNear(RunLayer(*GetParam(), layer, 2), Reference(layer, 2), kTolerance, layer);
  }
}

TEST_P(CapsTest, EveryNumberOfTurnsEqualsTheReference) {
  for (int turns : {1, 2, 3, 4, 7}) {
    for (CapsType type : {CapsType::kOdr, CapsType::kIdr, CapsType::kFc}) {
      const Layer layer(type, 37, 8, 6, 16, turns, ScaleMode::kChannel, false, 1);
      ExpectNear(RunLayer(*GetParam(), layer, 1), Reference(layer, 1), kTolerance, layer);
    }
  }
}

// One weight bit set, one input positive: the sum of signs is D, or 2 - D - 2 * ..., bit by bit.
TEST_P(CapsTest, BitsAreReadInOrder) {
  constexpr int kD = 19;
  for (int bit = 0; bit < kD; ++bit) {
    for (int input = 0; input < kD; ++input) {
      Layer layer(CapsType::kOdr, 1, kD, 1, 1, 1, ScaleMode::kNone, false, 1);
      std::fill(layer.bits.begin(), layer.bits.end(), 0);
      layer.bits[bit / 8] = static_cast<uint8_t>(1 << (bit % 8));
      std::fill(layer.u.begin(), layer.u.end(), -1.0f);
      layer.u[input] = 1.0f;
      const float sum = bit == input ? kD : kD - 4;
      const std::vector<float> v = RunLayer(*GetParam(), layer, 1);
      ASSERT_NEAR(v[0], sum * sum / (1 + sum * sum), 1e-6f) << "bit " << bit << " input " << input;
    }
  }
}

TEST_P(CapsTest, UnusedBitsOfTheFileDoNotCount) {
  Layer layer(CapsType::kOdr, 9, 5, 3, 4, 3, ScaleMode::kChannel, false, 1);
  const std::vector<float> before = RunLayer(*GetParam(), layer, 1);
  for (auto& x : layer.bits) x |= 0xe0;
  EXPECT_EQ(RunLayer(*GetParam(), layer, 1), before);
}

TEST_P(CapsTest, SignOfZeroIsMinusOne) {
  Layer layer(CapsType::kOdr, 8, 8, 3, 4, 1, ScaleMode::kChannel, false, 1);
  for (size_t i = 0; i < layer.u.size(); ++i) layer.u[i] = i % 2 == 0 ? 0.0f : 2.0f;
  ExpectNear(RunLayer(*GetParam(), layer, 1), Reference(layer, 1), kTolerance, layer);
  for (size_t i = 0; i < layer.u.size(); i += 2) layer.u[i] = -0.0f;
  ExpectNear(RunLayer(*GetParam(), layer, 1), Reference(layer, 1), kTolerance, layer);
}

TEST_P(CapsTest, ZeroGivesZero) {
  for (CapsType type : {CapsType::kOdr, CapsType::kIdr, CapsType::kFc}) {
    Layer layer(type, 40, 8, 10, 16, 3, ScaleMode::kChannel, false, 1);
    std::fill(layer.u.begin(), layer.u.end(), 0.0f);
    for (float v : RunLayer(*GetParam(), layer, 1)) ASSERT_EQ(v, 0.0f);
  }
}

TEST_P(CapsTest, TinyAndHugeInputsStayFiniteAndRight) {
  for (CapsType type : {CapsType::kOdr, CapsType::kIdr, CapsType::kFc}) {
    for (float factor : {1e-42f, 1e-30f, 1e-12f, 1e4f, 1e12f, 1e30f}) {
      Layer layer(type, 33, 8, 4, 16, 2, ScaleMode::kChannel, false, 1);
      for (auto& x : layer.u) x *= factor;
      const std::vector<float> got = RunLayer(*GetParam(), layer, 1), want = Reference(layer, 1);
      for (size_t i = 0; i < got.size(); ++i) {
        ASSERT_TRUE(isfinite(got[i])) << factor;
        // Past 1e4 the softmax is a step: equal logits to the last bit decide, so only |v| <= 1.
        if (factor < 1e3f)
          ASSERT_NEAR(got[i], want[i], kTolerance) << factor;
        else
          ASSERT_LE(fabsf(got[i]), 1.0001f) << factor;
      }
    }
  }
}

TEST_P(CapsTest, ConstantsAndTensorsMayBeUnaligned) {
  for (CapsType type : {CapsType::kOdr, CapsType::kIdr, CapsType::kFc}) {
    for (bool half : {false, true}) {
      if (half && type == CapsType::kIdr) continue;
      const Layer layer(type, 33, 8, 3, 5, 3, ScaleMode::kChannel, half, 1);
      const std::vector<float> want = RunLayer(*GetParam(), layer, 1);
      for (size_t offset = 1; offset <= 15; ++offset) {
        std::vector<char> copies[3];
        const size_t width = half ? 2 : 4;
        const void* from[3] = {layer.constants().bits, layer.constants().scale,
                               layer.constants().kernel};
        const size_t bytes[3] = {layer.bits.size(), layer.scale.size() * width,
                                 layer.kernel.size() * width};
        const char* moved[3];
        for (int i = 0; i < 3; ++i) {
          copies[i].resize(bytes[i] + 64);
          char* aligned =
              copies[i].data() + (64 - reinterpret_cast<uintptr_t>(copies[i].data()) % 64) % 64;
          copies[i].resize(copies[i].size() + 64);
          aligned =
              copies[i].data() + (64 - reinterpret_cast<uintptr_t>(copies[i].data()) % 64) % 64;
          memcpy(aligned + offset, from[i], bytes[i]);
          moved[i] = aligned + offset;
        }
        CapsLayer packed;
        ASSERT_EQ(packed.Pack(layer.params, {moved[0], moved[1], moved[2]}, GetParam()->caps),
                  Status::kOk);
        ASSERT_EQ(packed.Reserve(1), Status::kOk);
        std::vector<float> u(layer.u.size() + 4), v(layer.outputs(1) + 4);
        memcpy(u.data() + offset % 4, layer.u.data(), layer.u.size() * sizeof(float));
        const ConstBytes in = {u.data() + offset % 4, layer.u.size() * sizeof(float)};
        const Bytes out = {v.data() + offset % 4, want.size() * sizeof(float)};
        ASSERT_EQ(packed.Run(nullptr, in, 1, out), Status::kOk);
        ASSERT_EQ(0, memcmp(v.data() + offset % 4, want.data(), want.size() * sizeof(float)))
            << offset;
      }
    }
  }
}

// Items of a batch are not split. A single item is: the same to the bit whoever takes which strip.
TEST_P(CapsTest, ThreadsGiveTheSame) {
  for (CapsType type : {CapsType::kOdr, CapsType::kIdr, CapsType::kFc}) {
    const Layer batch(type, 40, 8, 10, 16, 3, ScaleMode::kChannel, false, 7);
    const Layer large(type, 1152, 8, 10, 16, 3, ScaleMode::kChannel, false, 1);
    const std::vector<float> alone = RunLayer(*GetParam(), large, 1);
    for (int threads : {2, 3, 8}) {
      ThreadPool* pool = ThreadPool::Create(threads);
      ASSERT_NE(pool, nullptr);
      EXPECT_EQ(RunLayer(*GetParam(), batch, 7, pool), RunLayer(*GetParam(), batch, 7));
      const std::vector<float> several = RunLayer(*GetParam(), large, 1, pool);
      ExpectNear(several, alone, kTolerance, large);
      for (int round = 0; round < 10; ++round)
        EXPECT_EQ(RunLayer(*GetParam(), large, 1, pool), several) << threads;
      ThreadPool::Delete(pool);
    }
  }
}

TEST_P(CapsTest, SameInputGivesTheSameBits) {
  const Layer layer(CapsType::kOdr, 128, 8, 10, 16, 3, ScaleMode::kChannel, false, 1);
  EXPECT_EQ(RunLayer(*GetParam(), layer, 1), RunLayer(*GetParam(), layer, 1));
}

TEST(CapsSizes, AnImpossibleSizeIsRefused) {
  Layer layer(CapsType::kOdr, 1, 8, 1, 1, 3, ScaleMode::kNone, false, 1);
  layer.params.n = layer.params.j = layer.params.e = 1 << 30;
  int count = 0;
  CapsLayer packed;
  EXPECT_EQ(packed.Pack(layer.params, layer.constants(), AllIsas(&count)->caps), Status::kTooLarge);
}

// What is not a number, infinite or near float's end comes out as the same kind of value on every
// instruction set: not a number, or a vector of the same length to some digits.
TEST_P(CapsTest, OddValuesGiveTheSameKindOfResult) {
  int count = 0;
  const Isa& plain = AllIsas(&count)[0];
  const float odd[] = {NAN,    -NAN,  INFINITY, -INFINITY, 3.4e38f, -3.4e38f, 1e38f,
                       -1e30f, 1e20f, -1e19f,   1e-38f,    -1e-42f, 0.0f,     -0.0f};
  std::mt19937 random(3);
  int finite = 0, total = 0;
  for (int trial = 0; trial < 400; ++trial) {
    const CapsType type = static_cast<CapsType>(trial % 3);
    const int n = 1 + static_cast<int>(random() % 70), e = 1 + static_cast<int>(random() % 17);
    Layer layer(type, n, 8, 1 + static_cast<int>(random() % 9), e,
                1 + static_cast<int>(random() % 3), static_cast<ScaleMode>(random() % 3), false, 1);
    std::vector<float>* places[] = {&layer.u, &layer.kernel, &layer.scale};
    std::vector<float>& values = *places[trial / 3 % 3];
    const float value = odd[random() % (sizeof odd / sizeof odd[0])];
    for (size_t i = 1 + random() % 4; i > 0; --i) values[random() % values.size()] = value;
    if (trial % 5 == 0) std::fill(values.begin(), values.end(), value);
    const std::vector<float> want = RunLayer(plain, layer, 1),
                             made = RunLayer(*GetParam(), layer, 1);
    for (size_t i = 0; i < want.size(); ++i) {
      ++total;
      finite += isfinite(want[i]) ? 1 : 0;
      ASSERT_EQ(isnan(want[i]), isnan(made[i])) << "trial " << trial << " value " << value << " at "
                                                << i << ": " << want[i] << ", " << made[i];
      ASSERT_FALSE(isinf(want[i]) || isinf(made[i])) << "trial " << trial;
    }
  }
  EXPECT_GT(finite, total / 5);
  EXPECT_LT(finite, total * 9 / 10);
}

// Memory one byte smaller than what would be touched is not touched.
TEST_P(CapsTest, TensorsThatAreTooSmallAreRefused) {
  const Layer layer(CapsType::kOdr, 5, 8, 3, 4, 3, ScaleMode::kNone, false, 1);
  CapsLayer packed;
  ASSERT_EQ(packed.Pack(layer.params, layer.constants(), GetParam()->caps), Status::kOk);
  ASSERT_EQ(packed.Reserve(1), Status::kOk);
  const CapsParams& p = layer.params;
  const size_t in_bytes = static_cast<size_t>(p.n) * p.d * 4, out_bytes = layer.outputs(1) * 4;
  const Guarded u(in_bytes), v(out_bytes), short_u(in_bytes - 1), short_v(out_bytes - 1);
  EXPECT_EQ(packed.Run(nullptr, u.in(), 1, v.out()), Status::kOk);
  EXPECT_EQ(packed.Run(nullptr, short_u.in(), 1, v.out()), Status::kTooSmall);
  EXPECT_EQ(packed.Run(nullptr, u.in(), 1, short_v.out()), Status::kTooSmall);
  EXPECT_EQ(packed.Run(nullptr, u.in(), 2, v.out()), Status::kTooSmall);
  EXPECT_EQ(packed.Run(nullptr, {nullptr, 0}, 0, {nullptr, 0}), Status::kOk);
}

}  // namespace
}  // namespace xncaps
