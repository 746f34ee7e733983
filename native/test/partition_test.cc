// Tensors between the nodes of a partition: they share memory where they live at different times.
#include "delegate/partition.h"

#include <gtest/gtest.h>
#include <string.h>

#include <set>
#include <vector>

#include "delegate/delegate.h"
#include "test/fake_context.h"

namespace xncaps {
namespace {

using testing_support::FakeContext;
using tflite::kTfLiteFloat32;
using tflite::kTfLiteOk;

// {"routing_iterations": 3, "version": 1} as FlexBuffers.
std::vector<uint8_t> Options() {
  const char text[] = "routing_iterations\0version";
  std::vector<uint8_t> bytes(text, text + sizeof text);
  for (int x : {2, 28, 10, 2, 1, 2, 3, 1, 4, 4, 4, 36, 1}) bytes.push_back(static_cast<uint8_t>(x));
  return bytes;
}

// Six layers: u -> a -> b -> c -> d -> first, and a -> second, so a lives to the end.
class Chain {
 public:
  // With `visible`, the user reads each tensor: then none of them is the partition's.
  explicit Chain(bool visible) {
    std::vector<float> kernel(8 * 8 * 8 * 8);
    for (size_t i = 0; i < kernel.size(); ++i)
      kernel[i] = 0.3f * static_cast<float>(i * 7 % 13) - 1.5f;
    const int w = fake_.AddTensor(kTfLiteFloat32, {8, 8, 8, 8}, kernel.data(), kernel.size() * 4);
    for (int* tensor : {&u, &a, &b, &c, &d, &first, &second})
      *tensor = fake_.AddTensor(kTfLiteFloat32, {1, 8, 8});
    const int nodes[][2] = {{u, a}, {a, b}, {b, c}, {c, d}, {d, first}, {a, second}};
    for (const auto& node : nodes) fake_.AddNode("XnCapsFc", {node[0], w}, {node[1]}, Options());
    outside_ = {u, first, second};
    if (visible) outside_.insert(outside_.end(), {a, b, c, d});
    EXPECT_EQ(fake_.Apply(delegate_, outside_), kTfLiteOk) << fake_.error();
    EXPECT_EQ(fake_.claimed(), 6);
  }
  ~Chain() {
    fake_.Release();
    DeleteDelegate(delegate_);
  }

  // What the two ends hold after a batch.
  std::vector<float> Run(int batch) {
    fake_.SetDims(u, {batch, 8, 8});
    EXPECT_EQ(fake_.Prepare(), kTfLiteOk) << fake_.error();
    EXPECT_EQ(fake_.Invoke(outside_), kTfLiteOk);
    float* input = static_cast<float*>(fake_.tensor(u).data);
    const size_t count = static_cast<size_t>(batch) * 64;
    for (size_t i = 0; i < count; ++i) input[i] = static_cast<float>(i * 5 % 11) - 4.0f;
    EXPECT_EQ(fake_.Invoke(outside_), kTfLiteOk) << fake_.error();
    std::vector<float> ends;
    for (int end : {first, second}) {
      const float* values = static_cast<const float*>(fake_.tensor(end).data);
      ends.insert(ends.end(), values, values + count);
    }
    return ends;
  }

  // The memory of a tensor of the partition's own.
  Bytes Own(int tensor) {
    tflite::TfLiteNode* kernel = nullptr;
    tflite::TfLiteRegistration* registration = nullptr;
    EXPECT_EQ(fake_.context()->GetNodeAndRegistration(fake_.context(), 6, &kernel, &registration),
              kTfLiteOk);
    Bytes bytes = {nullptr, 0};
    EXPECT_TRUE(static_cast<const Partition*>(kernel->user_data)->OwnBytes(tensor, &bytes));
    return bytes;
  }

  int u, a, b, c, d, first, second;

 private:
  FakeContext fake_;
  tflite::TfLiteDelegate* delegate_ = CreateDelegate(DelegateOptions(), nullptr);
  std::vector<int> outside_;
};

TEST(PartitionTest, TensorsShareMemoryWhenTheirTimesDoNotMeet) {
  Chain chain(false);
  for (int batch : {1, 3, 2}) {
    chain.Run(batch);
    const size_t bytes = static_cast<size_t>(batch) * 64 * sizeof(float);
    for (int tensor : {chain.a, chain.b, chain.c, chain.d})
      EXPECT_EQ(chain.Own(tensor).size, bytes);
    EXPECT_EQ(chain.Own(chain.d).data, chain.Own(chain.b).data);
    const std::set<void*> places = {chain.Own(chain.a).data, chain.Own(chain.b).data,
                                    chain.Own(chain.c).data};
    EXPECT_EQ(places.size(), 3u);
  }
}

TEST(PartitionTest, SharedMemoryGivesWhatTensorsOfTheHostGive) {
  Chain shared(false), visible(true);
  for (int batch : {1, 5, 2, 0, 3}) EXPECT_EQ(shared.Run(batch), visible.Run(batch)) << batch;
}

}  // namespace
}  // namespace xncaps
