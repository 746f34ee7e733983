#include "delegate/flex_map.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace xncaps {
namespace {

// flexbuffers.Dumps({"routing_iterations": 3, "version": 1}) of Python's flatbuffers.
const uint8_t kMap[] = {'r', 'o', 'u', 't', 'i', 'n', 'g', '_', 'i', 't', 'e', 'r', 'a', 't',
                        'i', 'o', 'n', 's', 0,   'v', 'e', 'r', 's', 'i', 'o', 'n', 0,   2,
                        28,  10,  2,   1,   2,   3,   1,   4,   4,   4,   36,  1};

TEST(FlexMapTest, ReadsIntegers) {
  const FlexMap map(kMap, sizeof kMap);
  int64_t value = 0;
  ASSERT_EQ(map.GetInt("routing_iterations", &value), FlexMap::kFound);
  EXPECT_EQ(value, 3);
  ASSERT_EQ(map.GetInt("version", &value), FlexMap::kFound);
  EXPECT_EQ(value, 1);
  EXPECT_EQ(map.GetInt("versio", &value), FlexMap::kMissing);
  EXPECT_EQ(map.GetInt("version2", &value), FlexMap::kMissing);
}

TEST(FlexMapTest, AnEmptyBufferIsAnEmptyMap) {
  int64_t value = 0;
  EXPECT_EQ(FlexMap().GetInt("version", &value), FlexMap::kMissing);
  EXPECT_EQ(FlexMap(kMap, 2).GetInt("version", &value), FlexMap::kMalformed);
}

// Whatever the bytes: no read outside (the buffer is exactly as long as it says; sanitizers watch).
TEST(FlexMapTest, MutatedBytesAreHarmless) {
  std::mt19937 random(7);
  for (int round = 0; round < 200000; ++round) {
    std::vector<uint8_t> bytes(kMap, kMap + sizeof kMap);
    for (int edits = random() % 4; edits >= 0; --edits)
      bytes[random() % bytes.size()] = static_cast<uint8_t>(random());
    if (random() % 4 == 0) bytes.erase(bytes.begin(), bytes.begin() + random() % bytes.size());
    bytes.shrink_to_fit();
    int64_t value = 0;
    FlexMap(bytes.data(), bytes.size()).GetInt("version", &value);
  }
}

}  // namespace
}  // namespace xncaps
