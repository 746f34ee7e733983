#include "kernels/dispatch.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/x86_features.h"

namespace xncaps {
namespace {

class DispatchTest : public testing::Test {
 protected:
  void SetUp() override { unsetenv("XNCAPS_ISA"); }
  void TearDown() override { unsetenv("XNCAPS_ISA"); }
  char error_[200] = "";
};

TEST_F(DispatchTest, TheBestAvailableIsChosen) {
  int count = 0;
  const Isa* isas = AllIsas(&count);
  const Isa* best = &isas[0];
  for (int i = 0; i < count; ++i) {
    if (isas[i].available()) best = &isas[i];
  }
  EXPECT_EQ(ChooseIsa(nullptr, error_, sizeof error_), best);
  EXPECT_EQ(ChooseIsa("", error_, sizeof error_), best);
}

TEST_F(DispatchTest, TheOptionAndTheEnvironmentForceOne) {
  EXPECT_STREQ(ChooseIsa("scalar", error_, sizeof error_)->name, "scalar");
  setenv("XNCAPS_ISA", "scalar", 1);
  EXPECT_STREQ(ChooseIsa(nullptr, error_, sizeof error_)->name, "scalar");
}

TEST_F(DispatchTest, AnUnknownOneIsAnErrorThatNamesWhatThereIs) {
  EXPECT_EQ(ChooseIsa("mmx", error_, sizeof error_), nullptr);
  EXPECT_NE(strstr(error_, "option isa: expected one of scalar"), nullptr) << error_;
  EXPECT_NE(strstr(error_, "Received: mmx"), nullptr) << error_;
  setenv("XNCAPS_ISA", "sve2", 1);
  EXPECT_EQ(ChooseIsa(nullptr, error_, sizeof error_), nullptr);
  EXPECT_NE(strstr(error_, "XNCAPS_ISA"), nullptr) << error_;
}

// Bits as the processors' manuals number them.
struct Feature {
  const char* name;
  unsigned X86Features::*word;
  unsigned bit;
  bool avx2;  // needed by it and by AVX-512, else by AVX-512 alone
};
constexpr Feature kFeatures[] = {
    {"FMA", &X86Features::leaf1_ecx, 1u << 12, true},
    {"POPCNT", &X86Features::leaf1_ecx, 1u << 23, true},
    {"OSXSAVE", &X86Features::leaf1_ecx, 1u << 27, true},
    {"AVX", &X86Features::leaf1_ecx, 1u << 28, true},
    {"F16C", &X86Features::leaf1_ecx, 1u << 29, true},
    {"BMI1", &X86Features::leaf7_ebx, 1u << 3, true},
    {"AVX2", &X86Features::leaf7_ebx, 1u << 5, true},
    {"BMI2", &X86Features::leaf7_ebx, 1u << 8, true},
    {"AVX-512 F", &X86Features::leaf7_ebx, 1u << 16, false},
    {"AVX-512 DQ", &X86Features::leaf7_ebx, 1u << 17, false},
    {"AVX-512 BW", &X86Features::leaf7_ebx, 1u << 30, false},
    {"AVX-512 VL", &X86Features::leaf7_ebx, 1u << 31, false},
    {"AVX-512 VPOPCNTDQ", &X86Features::leaf7_ecx, 1u << 14, false},
    {"saved SSE registers", &X86Features::saved, 1u << 1, true},
    {"saved AVX registers", &X86Features::saved, 1u << 2, true},
    {"saved mask registers", &X86Features::saved, 1u << 5, false},
    {"saved upper halves", &X86Features::saved, 1u << 6, false},
    {"saved upper registers", &X86Features::saved, 1u << 7, false},
};

// A virtual machine may hide any one of them: its kernels would be an illegal instruction.
TEST(X86FeaturesTest, EachOneThatIsHiddenTurnsOffWhatNeedsIt) {
  X86Features all;
  for (const Feature& feature : kFeatures) all.*feature.word |= feature.bit;
  EXPECT_TRUE(RunsAvx2(all));
  EXPECT_TRUE(RunsAvx512(all));
  for (const Feature& hidden : kFeatures) {
    X86Features features = all;
    features.*hidden.word &= ~hidden.bit;
    EXPECT_EQ(RunsAvx2(features), !hidden.avx2) << hidden.name;
    EXPECT_FALSE(RunsAvx512(features)) << hidden.name;
  }
  EXPECT_FALSE(RunsAvx2(X86Features()));
}

#if defined(__x86_64__)
TEST(X86FeaturesTest, OfThisMachineAreWhatTheCompilersLibrarySees) {
  const X86Features features = ReadX86Features();
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                    __builtin_cpu_supports("popcnt") && __builtin_cpu_supports("bmi") &&
                    __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("f16c");
  EXPECT_EQ(RunsAvx2(features), avx2);
  EXPECT_EQ(RunsAvx512(features),
            avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
                __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
                __builtin_cpu_supports("avx512vpopcntdq"));
}
#endif

}  // namespace
}  // namespace xncaps
