// For tests of kernels: every instruction set of the build as a parameter.
#ifndef XNCAPS_TEST_ISA_MAIN_H_
#define XNCAPS_TEST_ISA_MAIN_H_

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "kernels/dispatch.h"

void MarkExercised(const xncaps::Isa& isa);

// Tests with the instruction set as parameter; skipped where the machine lacks it.
class IsaTest : public testing::TestWithParam<const xncaps::Isa*> {
 protected:
  void SetUp() override {
    if (!GetParam()->available()) GTEST_SKIP() << "this machine has no " << GetParam()->name;
    MarkExercised(*GetParam());
  }
};

inline std::vector<const xncaps::Isa*> IsaParameters() {
  int count = 0;
  const xncaps::Isa* isas = xncaps::AllIsas(&count);
  std::vector<const xncaps::Isa*> all;
  for (int i = 0; i < count; ++i) all.push_back(&isas[i]);
  return all;
}

inline std::string IsaName(const testing::TestParamInfo<const xncaps::Isa*>& info) {
  return info.param->name;
}

#define XNCAPS_FOR_EACH_ISA(suite) \
  INSTANTIATE_TEST_SUITE_P(Isas, suite, testing::ValuesIn(IsaParameters()), IsaName)

#endif  // XNCAPS_TEST_ISA_MAIN_H_
