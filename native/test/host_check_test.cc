// Hosts whose structs are not those that are declared are found out before they are used.
#include "delegate/host_check.h"

#include <gtest/gtest.h>

#include "delegate/delegate.h"
#include "test/fake_context.h"

namespace xncaps {
namespace {

using testing_support::FakeContext;
using tflite::kTfLiteError;
using tflite::kTfLiteFloat32;
using tflite::kTfLiteInt32;
using tflite::TfLiteContext;
using tflite::TfLiteTensor;

class HostCheckTest : public testing::Test {
 protected:
  HostCheckTest() {
    const float values[6] = {};
    for (int i = 0; i < 4; ++i) fake_.AddTensor(kTfLiteFloat32, {1, 64 + i});
    fake_.AddTensor(kTfLiteInt32, {2, 3}, values, sizeof values);
    fake_.AddNode("LceQuantize", {0}, {fake_.AddTensor(kTfLiteInt32, {1, 2})}, {});
  }
  void TearDown() override {
    fake_.Release();
    DeleteDelegate(delegate_);
  }
  void Link() { (void)fake_.Apply(none_, {}); }

  // A delegate that does nothing: after it the context is whole.
  static tflite::TfLiteStatus Nothing(TfLiteContext*, tflite::TfLiteDelegate*) {
    return tflite::kTfLiteOk;
  }

  FakeContext fake_;
  tflite::TfLiteDelegate nothing_ = {nullptr, Nothing, nullptr, nullptr, nullptr, 0, nullptr};
  tflite::TfLiteDelegate* none_ = &nothing_;
  tflite::TfLiteDelegate* delegate_ = CreateDelegate(DelegateOptions(), nullptr);
};

TEST_F(HostCheckTest, AHostAsDeclaredIsTaken) {
  Link();
  EXPECT_EQ(StrangeHost(fake_.context()), nullptr);
}

// Each struct with members added in the middle, at the end (of what lies in an array), or left out.
TEST_F(HostCheckTest, OtherStructsAreFoundOut) {
  Link();
  const TfLiteContext good = *fake_.context();
  const size_t size = sizeof(TfLiteTensor);
  for (size_t longer : {size_t{8}, size_t{16}, size_t{24}, size_t{64}}) {
    std::vector<char> tensors(good.tensors_size * (size + longer) + size, 0x41);
    for (size_t i = 0; i < good.tensors_size; ++i)
      memcpy(&tensors[i * (size + longer)], &good.tensors[i], size);
    TfLiteContext strange = good;
    strange.tensors = reinterpret_cast<TfLiteTensor*>(tensors.data());
    EXPECT_NE(StrangeHost(&strange), nullptr) << longer;
  }
  for (size_t member = 0; member < offsetof(TfLiteContext, recommended_num_threads) / 8; ++member) {
    char moved[sizeof(TfLiteContext) + 8];
    memset(moved, 0, sizeof moved);
    memcpy(moved, &good, member * 8);
    memcpy(moved + (member + 1) * 8, reinterpret_cast<const char*>(&good) + member * 8,
           sizeof good - member * 8);
    TfLiteContext strange;
    memcpy(&strange, moved, sizeof strange);
    EXPECT_NE(StrangeHost(&strange), nullptr) << member;
  }
}

TEST_F(HostCheckTest, OtherNumbersAreFoundOut) {
  const struct {
    const char* part;
    void (*spoil)(FakeContext*);
  } cases[] = {
      {"a tensor", [](FakeContext* f) { memset(&f->tensor(1).type, 0x7f, 4); }},
      {"a tensor", [](FakeContext* f) { memset(&f->tensor(1).allocation_type, 0x7f, 4); }},
      {"a tensor", [](FakeContext* f) { memset(&f->tensor(2).is_variable, 7, 1); }},
      {"a tensor", [](FakeContext* f) { memset(&f->tensor(3).dims, 3, 8); }},
      {"the tensors' bytes",
       [](FakeContext* f) {
         for (int i = 0; i < f->tensor_count(); ++i) ++f->tensor(i).bytes;
       }},
      {"the number of threads", [](FakeContext* f) { f->context()->recommended_num_threads = -7; }},
      {"the context's functions", [](FakeContext* f) { f->context()->ResizeTensor = nullptr; }},
  };
  for (const auto& c : cases) {
    HostCheckTest_OtherNumbersAreFoundOut_Test fresh;
    fresh.Link();
    tflite::TfLiteIntArray* dims = fresh.fake_.tensor(3).dims;
    c.spoil(&fresh.fake_);
    EXPECT_STREQ(StrangeHost(fresh.fake_.context()), c.part);
    testing::internal::CaptureStderr();
    EXPECT_EQ(fresh.delegate_->Prepare(fresh.fake_.context(), fresh.delegate_), kTfLiteError);
    const std::string said = testing::internal::GetCapturedStderr();
    EXPECT_NE(said.find("xncaps: expected a TFLite of 2.14 to 2.21"), std::string::npos) << said;
    EXPECT_NE(said.find(std::string("in which ") + c.part), std::string::npos) << said;
    fresh.fake_.tensor(3).dims = dims;  // to be freed
    DeleteDelegate(fresh.delegate_);
  }
}

}  // namespace
}  // namespace xncaps
