#include "delegate/flex_map.h"

#include <string.h>

namespace xncaps {
namespace {

// Types of FlexBuffers.
enum {
  kInt = 1,
  kUint = 2,
  kFloat = 3,
  kIndirectInt = 6,
  kIndirectUint = 7,
  kIndirectFloat = 8,
  kMap = 9,
  kBool = 26
};

}  // namespace

// Offsets from the start of the buffer.
struct FlexMap::Entries {
  size_t values, value_width, types, keys, key_width;
  uint64_t count;
};

bool FlexMap::Unsigned(size_t at, size_t width, uint64_t* value) const {
  if (at > size_ || width > size_ - at) return false;
  *value = 0;
  memcpy(value, data_ + at, width);  // little-endian
  return true;
}

// An offset counts backwards from where it stands.
bool FlexMap::Follow(size_t at, size_t width, size_t* target) const {
  uint64_t offset;
  if (!Unsigned(at, width, &offset) || offset > at) return false;
  *target = at - static_cast<size_t>(offset);
  return true;
}

bool FlexMap::KeyIs(size_t at, const char* key) const {
  for (size_t i = 0; at + i < size_; ++i) {
    if (static_cast<char>(data_[at + i]) != key[i]) return false;
    if (key[i] == '\0') return true;
  }
  return false;
}

// [keys' offset][keys' width][count] values... types...; the root stands at the end with its type
// and its width.
bool FlexMap::Open(Entries* entries) const {
  if (size_ < 3) return false;
  const size_t root_width = data_[size_ - 1];
  const int root_type = data_[size_ - 2];
  const bool sound = root_width == 1 || root_width == 2 || root_width == 4 || root_width == 8;
  if (!sound || root_type >> 2 != kMap || root_width + 2 > size_) return false;
  if (!Follow(size_ - 2 - root_width, root_width, &entries->values)) return false;
  const size_t width = entries->value_width = size_t{1} << (root_type & 3);
  if (entries->values < 3 * width) return false;
  uint64_t key_width;
  if (!Unsigned(entries->values - width, width, &entries->count)) return false;
  if (!Unsigned(entries->values - 2 * width, width, &key_width)) return false;
  if (!Follow(entries->values - 3 * width, width, &entries->keys)) return false;
  if (key_width != 1 && key_width != 2 && key_width != 4 && key_width != 8) return false;
  entries->key_width = static_cast<size_t>(key_width);
  if (entries->count > size_ / (width + 1)) return false;
  entries->types = entries->values + static_cast<size_t>(entries->count) * width;
  return entries->types + static_cast<size_t>(entries->count) <= size_;
}

FlexMap::Result FlexMap::Number(size_t at, size_t width, int type, int64_t* value) const {
  int kind = type >> 2;
  if (kind >= kIndirectInt && kind <= kIndirectFloat) {
    if (!Follow(at, width, &at)) return kMalformed;
    width = size_t{1} << (type & 3);
    kind += kInt - kIndirectInt;
  }
  uint64_t bits;
  if (!Unsigned(at, width, &bits)) return kMalformed;
  switch (kind) {
    case kInt: {
      const int unused = 64 - 8 * static_cast<int>(width);
      *value = static_cast<int64_t>(bits << unused) >> unused;
      return kFound;
    }
    case kUint:
    case kBool:
      if (bits > INT64_MAX) return kNotANumber;
      *value = static_cast<int64_t>(bits);
      return kFound;
    case kFloat: {
      double number = 0;
      float single = 0;
      if (width != 4 && width != 8) return kNotANumber;
      if (width == 4)
        memcpy(&single, &bits, 4);
      else
        memcpy(&number, &bits, 8);
      if (width == 4) number = static_cast<double>(single);
      if (!(number > -9.0e18 && number < 9.0e18)) return kNotANumber;
      *value = static_cast<int64_t>(number);
      return kFound;
    }
    default:
      return kNotANumber;
  }
}

FlexMap::Result FlexMap::GetInt(const char* key, int64_t* value) const {
  if (size_ == 0) return kMissing;
  Entries entries;
  if (data_ == nullptr || !Open(&entries)) return kMalformed;
  for (size_t i = 0; i < entries.count; ++i) {
    size_t name;
    if (!Follow(entries.keys + i * entries.key_width, entries.key_width, &name)) return kMalformed;
    if (!KeyIs(name, key)) continue;
    const int type = data_[entries.types + i];
    return Number(entries.values + i * entries.value_width, entries.value_width, type, value);
  }
  return kMissing;
}

}  // namespace xncaps
