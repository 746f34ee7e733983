// Graphs that no converter writes: they may be refused, but nothing is read or written out of
// bounds. Tensors lie in memory of exactly their size, so AddressSanitizer sees every byte too far.
#include <gtest/gtest.h>

#include "delegate/delegate.h"
#include "test/fake_context.h"

namespace xncaps {
namespace {

using testing_support::FakeContext;
using tflite::kTfLiteError;
using tflite::kTfLiteFloat32;
using tflite::kTfLiteInt32;
using tflite::kTfLiteOk;

class HostileTest : public testing::Test {
 protected:
  void TearDown() override {
    fake_.Release();
    DeleteDelegate(delegate_);
  }

  int Quantize(int input, int output) {
    return fake_.AddNode("LceQuantize", {input}, {output}, {});
  }

  // Where it is taken, it is also run, for the sanitizer to see.
  void ExpectRefused(const std::vector<int>& outside, const char* part) {
    const bool taken = fake_.Apply(delegate_, outside) == kTfLiteOk;
    EXPECT_FALSE(taken);
    if (taken && fake_.Prepare() == kTfLiteOk) (void)fake_.Invoke(outside);
    EXPECT_NE(fake_.error().find(part), std::string::npos) << fake_.error();
  }

  FakeContext fake_;
  tflite::TfLiteDelegate* delegate_ = CreateDelegate(DelegateOptions(), nullptr);
};

// The first node is prepared for the large tensor, the buffer has the size of the last one.
TEST_F(HostileTest, TwoProducersOfATensorAreRefused) {
  const std::vector<float> values(64 * 320, 1.0f);
  const int large = fake_.AddTensor(kTfLiteFloat32, {64, 320}, values.data(), values.size() * 4);
  const int small = fake_.AddTensor(kTfLiteFloat32, {1, 32});
  const int bits = fake_.AddTensor(kTfLiteInt32, {1, 1});
  Quantize(large, bits);
  Quantize(small, bits);
  ExpectRefused({small, bits},
                "LceQuantize (node 0): expected output 0 'tensor' to be made by one node");
}

TEST_F(HostileTest, ANodeThatWritesATensorTwiceIsRefused) {
  const int in = fake_.AddTensor(kTfLiteFloat32, {1, 32});
  const int bits = fake_.AddTensor(kTfLiteInt32, {1, 1});
  fake_.AddNode("LceQuantize", {in}, {bits, bits}, {});
  ExpectRefused({in, bits}, "expected output 0 'tensor' to be made by one node");
}

TEST_F(HostileTest, AnOutputThatIsTheInputIsRefused) {
  const int both = fake_.AddTensor(kTfLiteInt32, {1, 4, 4, 2});
  fake_.AddNode("LceDequantize", {both}, {both}, {});
  ExpectRefused({both}, "LceDequantize (node 0): expected output 0 'tensor' not to be an input");
}

TEST_F(HostileTest, AnOutputThatAnEarlierNodeReadsIsRefused) {
  const int a = fake_.AddTensor(kTfLiteFloat32, {1, 64});
  const int b = fake_.AddTensor(kTfLiteInt32, {1, 2});
  Quantize(a, b);
  fake_.AddNode("LceDequantize", {b}, {a}, {});
  ExpectRefused({a}, "LceDequantize (node 1): expected output 0 'tensor' not to be an input");
}

TEST_F(HostileTest, AnOutputThatIsAConstantIsRefused) {
  const float values[32] = {};
  const int in = fake_.AddTensor(kTfLiteFloat32, {1, 32});
  const int constant = fake_.AddTensor(kTfLiteInt32, {1, 1}, values, 4);
  Quantize(in, constant);
  ExpectRefused({in, constant}, "expected output 0 'tensor' not to be a constant");
}

TEST_F(HostileTest, AnOutputThatIsNoTensorIsRefused) {
  const int in = fake_.AddTensor(kTfLiteFloat32, {1, 32});
  Quantize(in, -1);
  ExpectRefused({in}, "expected output 0 '' to be a tensor");
}

// Somebody else's node makes a tensor of the delegate smaller, or what it reads: seen at Invoke.
TEST_F(HostileTest, TensorsThatShrinkAfterPrepareAreNotTouched) {
  for (bool shrink_input : {true, false}) {
    FakeContext fake;
    const int in = fake.AddTensor(kTfLiteFloat32, {64, 320});
    const int out = fake.AddTensor(kTfLiteInt32, {64, 10});
    fake.AddNode("LceQuantize", {in}, {out}, {});
    ASSERT_EQ(fake.Apply(delegate_, {out}), kTfLiteOk) << fake.error();
    ASSERT_EQ(fake.Prepare(), kTfLiteOk) << fake.error();
    ASSERT_EQ(fake.Invoke({in, out}), kTfLiteOk) << fake.error();
    fake.SetDims(shrink_input ? in : out, {1, 1});
    EXPECT_EQ(fake.Invoke({in, out}), kTfLiteError);
    const char* part = shrink_input ? "Received: input 0: 4, output 0: 2560 bytes"
                                    : "Received: input 0: 81920, output 0: 4 bytes";
    EXPECT_NE(fake.error().find(part), std::string::npos) << fake.error();
    fake.Release();
  }
}

}  // namespace
}  // namespace xncaps
