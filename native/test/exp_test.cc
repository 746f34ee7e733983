// The softmax's exponential against the C library's, over all that it is asked for.
//
// XNCAPS_EXP_STEP=1 looks at every float from -0 to below -86, 1.1e9 of them; without, at one
// in 61.
#include <gtest/gtest.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <vector>

#include "test/exp_values.h"
#include "test/isa_main.h"

namespace xncaps {
namespace {

ExpValues ValuesOf(const Isa& isa) {
#if defined(__x86_64__)
  if (strncmp(isa.name, "avx", 3) == 0) return ExpAvx2;  // AVX-512 has convolutions only
#elif defined(__aarch64__)
  if (strcmp(isa.name, "neon") == 0) return ExpNeon;
#endif
  return ExpPortable;
}

float FromBits(uint32_t bits) {
  float x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

class ExpTest : public IsaTest {};
XNCAPS_FOR_EACH_ISA(ExpTest);

// With XNCAPS_EXP_STEP=1: absolute 1.79e-7 close to 0, relative 1.36e-6 close to -86 (AVX2, which
// multiplies by a rounded log2 e); plain C++ 6.7e-8 and 1.2e-7.
TEST_P(ExpTest, IsWithinItsErrorOnItsWholeRange) {
  const char* step_text = getenv("XNCAPS_EXP_STEP");
  const uint32_t step = step_text == nullptr ? 61 : static_cast<uint32_t>(atoi(step_text));
  ASSERT_GE(step, 1u);
  const ExpValues exp_values = ValuesOf(*GetParam());
  constexpr uint32_t kFirst = 0x80000000u, kLast = 0xc2ac0000u;  // -0 to -86
  constexpr size_t kCount = 4096;
  std::vector<float> x(kCount), y(kCount);
  double absolute = 0, relative = 0, absolute_at = 0, relative_at = 0;
  for (uint64_t bits = kFirst; bits <= kLast;) {
    size_t n = 0;
    for (; n < kCount && bits <= kLast; bits += step)
      x[n++] = FromBits(static_cast<uint32_t>(bits));
    for (size_t i = n; i < kCount; ++i) x[i] = 0;
    exp_values(x.data(), kCount, y.data());
    for (size_t i = 0; i < n; ++i) {
      const double want = exp(static_cast<double>(x[i])), error = fabs(y[i] - want);
      if (error > absolute) absolute = error, absolute_at = x[i];
      if (error > relative * want) relative = error / want, relative_at = x[i];
    }
  }
  printf("%s: absolute error %.3g at %.9g, relative %.3g at %.9g\n", GetParam()->name, absolute,
         absolute_at, relative, relative_at);
  EXPECT_LT(absolute, 1.9e-7);
  EXPECT_LT(relative, 1.5e-6);
}

TEST_P(ExpTest, StaysAtTheEndAndKeepsWhatIsNotANumber) {
  const float x[8] = {
      0.0f, -86.0f, -87.0f, -3e38f, -INFINITY, NAN, FromBits(0x7fc001ffu), FromBits(0xffffffffu)};
  float y[8];
  ValuesOf (*GetParam())(x, 8, y);
  EXPECT_NEAR(y[0], 1.0f, 2e-7f);
  for (int i = 1; i < 5; ++i) EXPECT_NEAR(y[i] / exp(-86.0), 1.0, 2e-6) << i;
  for (int i = 5; i < 8; ++i) EXPECT_TRUE(isnan(y[i])) << i << ": " << y[i];
}

}  // namespace
}  // namespace xncaps
