#include "kernels/dispatch.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <string.h>

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

}  // namespace
}  // namespace xncaps
