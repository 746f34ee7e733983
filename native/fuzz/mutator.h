// Draws made-up options, shapes and buffers from the bytes of one input: right, nearly right or
// nonsense. Each small decision takes one byte, so that changing a byte changes one thing.
#ifndef XNCAPS_FUZZ_MUTATOR_H_
#define XNCAPS_FUZZ_MUTATOR_H_

#include <math.h>

#include <string>
#include <utility>
#include <vector>

#include "test/fake_context.h"

namespace xncaps {

using testing_support::FakeContext;
using tflite::kTfLiteArenaRw;
using tflite::kTfLiteBool;
using tflite::kTfLiteFloat16;
using tflite::kTfLiteFloat32;
using tflite::kTfLiteInt32;
using tflite::kTfLiteInt8;
using tflite::kTfLiteUInt8;
using tflite::TfLiteDelegate;
using tflite::TfLiteType;

class Mutator {
 public:
  Mutator(const uint8_t* data, size_t size) : data_(data), left_(size) {}

  int Below(int limit) {
    const uint32_t drawn = limit <= 256 ? Byte() : Byte() << 8 | Byte();
    return static_cast<int>(drawn % static_cast<unsigned>(limit));
  }
  bool OneIn(int n) { return Below(n) == 0; }

  // Small sizes round the kernels' blocks; now and then silly ones.
  int Dim() {
    static const int kNear[] = {1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33};
    if (OneIn(60)) {
      static const int kSilly[] = {0, -1, 1 << 30, 2147483647, -2147483647, 65536};
      return kSilly[Below(6)];
    }
    return kNear[Below(12)];
  }

  std::vector<uint8_t> Bytes(size_t count) {
    Bulk bulk(Byte());
    std::vector<uint8_t> bytes(count);
    for (auto& b : bytes) b = static_cast<uint8_t>(bulk.Next());
    return bytes;
  }

  // Floats of every kind: ordinary, zero, denormal, huge, infinite, not a number.
  std::vector<uint8_t> Floats(size_t count) {
    std::vector<uint8_t> bytes(count * 4);
    const bool wild = OneIn(8);
    Bulk bulk(Byte());
    for (size_t i = 0; i < count; ++i) {
      const uint32_t drawn = bulk.Next();
      float x = static_cast<float>(static_cast<int>(drawn % 2001) - 1000) * 1e-3f;
      if (wild && drawn >> 24 < 26) {
        const float odd[] = {0.0f, -0.0f, 1e-42f, 3e38f, -3e38f, INFINITY, NAN};
        x = odd[(drawn >> 16 & 255) % 7];
      }
      memcpy(&bytes[i * 4], &x, 4);
    }
    return bytes;
  }

  // A FlexBuffers map of int32, often spoilt: a value, a few bytes, the length.
  std::vector<uint8_t> Map(const std::vector<std::pair<std::string, int>>& entries) {
    std::vector<uint8_t> bytes, keys;
    for (const auto& entry : entries) {
      keys.push_back(static_cast<uint8_t>(bytes.size()));
      bytes.insert(bytes.end(), entry.first.begin(), entry.first.end());
      bytes.push_back(0);
    }
    const auto put = [&bytes](uint32_t x) {
      for (int i = 0; i < 4; ++i) bytes.push_back(static_cast<uint8_t>(x >> (8 * i)));
    };
    const size_t count = entries.size();
    bytes.push_back(static_cast<uint8_t>(count));
    const size_t key_vector = bytes.size();
    for (uint8_t at : keys) bytes.push_back(static_cast<uint8_t>(bytes.size() - at));
    put(static_cast<uint32_t>(bytes.size() - key_vector));
    put(1);
    put(static_cast<uint32_t>(count));
    for (const auto& entry : entries) put(static_cast<uint32_t>(OneIn(60) ? Dim() : entry.second));
    bytes.insert(bytes.end(), count, 1 << 2 | 2);
    for (size_t x : {5 * count, size_t{9 << 2 | 2}, size_t{1}})
      bytes.push_back(static_cast<uint8_t>(x));
    return Spoilt(bytes);
  }

  std::vector<uint8_t> Spoilt(std::vector<uint8_t> bytes) {
    if (OneIn(8)) {
      for (int i = Below(4); i >= 0; --i)
        bytes[static_cast<size_t>(Below(static_cast<int>(bytes.size())))] =
            static_cast<uint8_t>(Byte());
    }
    if (OneIn(30)) bytes.resize(static_cast<size_t>(Below(static_cast<int>(bytes.size()))));
    return bytes;
  }

 private:
  // splitmix64: the contents of large buffers, of which an input says the seed alone.
  class Bulk {
   public:
    explicit Bulk(uint64_t seed) : state_(seed << 32) {}
    uint32_t Next() {
      uint64_t z = state_ += 0x9e3779b97f4a7c15u;
      z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
      z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
      return static_cast<uint32_t>(z >> 32);
    }

   private:
    uint64_t state_;
  };

  // Behind the input's end the same bytes follow for all: short inputs are whole graphs too.
  uint32_t Byte() {
    if (left_ == 0) return rest_.Next() & 255;
    --left_;
    return *data_++;
  }

  const uint8_t* data_;
  size_t left_;
  Bulk rest_{1};
};

struct Size {
  bool ok = true;
  size_t count = 1;
};

// Elements of a shape, as long as a test can hold them.
inline Size Count(const std::vector<int>& dims) {
  Size size;
  for (int d : dims) {
    if (d < 0 || d > 4096) size.ok = false;
    if (size.ok) size.count *= static_cast<size_t>(d);
    if (size.count > (1u << 20)) size.ok = false;
  }
  if (!size.ok) size.count = 8;
  return size;
}

inline void Spoil(Mutator* m, std::vector<int>* dims) {
  if (!m->OneIn(12)) return;
  if (m->OneIn(3))
    dims->push_back(m->Dim());
  else if (m->OneIn(3) && !dims->empty())
    dims->pop_back();
  else if (!dims->empty())
    (*dims)[static_cast<size_t>(m->Below(static_cast<int>(dims->size())))] = m->Dim();
}

// A constant of this shape; its bytes now and then too few or too many.
inline int Constant(Mutator* m, FakeContext* fake, TfLiteType type, std::vector<int> dims) {
  Spoil(m, &dims);
  const size_t width = type == kTfLiteFloat32 || type == kTfLiteInt32 ? 4
                       : type == kTfLiteFloat16                       ? 2
                                                                      : 1;
  size_t bytes = Count(dims).count * width;
  if (m->OneIn(30)) bytes = bytes > 4 ? bytes - static_cast<size_t>(m->Below(4)) : bytes + 3;
  std::vector<uint8_t> data =
      type == kTfLiteFloat32 ? m->Floats(bytes / 4 + 1) : m->Bytes(bytes + 1);
  const int index = fake->AddTensor(type, dims, data.data(), bytes);
  if (m->OneIn(60)) fake->tensor(index).allocation_type = kTfLiteArenaRw;
  if (m->OneIn(80)) fake->tensor(index).data = nullptr;
  return index;
}

}  // namespace xncaps

#endif  // XNCAPS_FUZZ_MUTATOR_H_
