// main() of the kernels' tests: fails where an instruction set of this machine was never exercised.
#include <gtest/gtest.h>

#include "test/isa_main.h"

namespace {

std::set<std::string>& Exercised() {
  static std::set<std::string> names;
  return names;
}

}  // namespace

void MarkExercised(const xncaps::Isa& isa) { Exercised().insert(isa.name); }

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  int result = RUN_ALL_TESTS();
  if (testing::GTEST_FLAG(filter) != "*" || testing::GTEST_FLAG(list_tests)) return result;
  int count = 0;
  const xncaps::Isa* isas = xncaps::AllIsas(&count);
  for (int i = 0; i < count; ++i) {
    if (isas[i].available() && Exercised().count(isas[i].name) == 0) {
      fprintf(stderr, "FAILED: this machine has %s, but no test ran on it\n", isas[i].name);
      result = 1;
    }
  }
  return result;
}
