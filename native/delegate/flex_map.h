// Reads numbers from a FlexBuffers map, the form of custom options. The bytes come from strangers:
// nothing is read outside of them.
#ifndef XNCAPS_DELEGATE_FLEX_MAP_H_
#define XNCAPS_DELEGATE_FLEX_MAP_H_

#include <stddef.h>
#include <stdint.h>

namespace xncaps {

class FlexMap {
 public:
  enum Result { kFound, kMissing, kNotANumber, kMalformed };

  FlexMap() = default;
  FlexMap(const void* data, size_t size) : data_(static_cast<const uint8_t*>(data)), size_(size) {}

  // Integers, bools and (truncated) floats. An empty buffer is an empty map.
  Result GetInt(const char* key, int64_t* value) const;

 private:
  struct Entries;
  bool Unsigned(size_t at, size_t width, uint64_t* value) const;
  bool Follow(size_t at, size_t width, size_t* target) const;
  bool KeyIs(size_t at, const char* key) const;
  bool Open(Entries* entries) const;
  Result Number(size_t at, size_t width, int type, int64_t* value) const;

  const uint8_t* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace xncaps

#endif  // XNCAPS_DELEGATE_FLEX_MAP_H_
