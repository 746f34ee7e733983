// Owned, aligned memory without the C++ runtime (no operator new, no containers).
#ifndef XNCAPS_KERNELS_MEMORY_H_
#define XNCAPS_KERNELS_MEMORY_H_

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

// Placement new of our own: <new> belongs to the C++ runtime's headers.
struct XncapsHere {
  void* address;
};
inline void* operator new(size_t, XncapsHere here) noexcept { return here.address; }
inline void operator delete(void*, XncapsHere) noexcept {}

namespace xncaps {

constexpr size_t kAlignment = 64;

// Somebody else's memory with its size: who computes checks the size against what it will touch.
struct ConstBytes {
  const void* data;
  size_t size;  // 0 where data is null
};
struct Bytes {
  void* data;
  size_t size;
};

// Bytes of memory, aligned to a cache line; grows, never shrinks.
class Buffer {
 public:
  Buffer() = default;
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer() { free(data_); }

  // At least `bytes` bytes. What was in there is lost when it has to grow. False: no memory.
  bool Reserve(size_t bytes) {
    const size_t before = size_;
    if (!ReserveUnset(bytes)) return false;
    if (size_ != before) memset(data_, 0, size_);
    return true;
  }

  // The same without zeros: what a file says the size of is not committed before it is used.
  bool ReserveUnset(size_t bytes) {
    if (bytes <= size_ && data_ != nullptr) return true;
    if (bytes > SIZE_MAX - 2 * kAlignment) return false;
    const size_t rounded = (bytes + kAlignment) / kAlignment * kAlignment;
    void* fresh = nullptr;
    if (posix_memalign(&fresh, kAlignment, rounded) != 0) return false;
    free(data_);
    data_ = fresh;
    size_ = rounded;
    return true;
  }

  void Release() {
    free(data_);
    data_ = nullptr;
    size_ = 0;
  }

  size_t size() const { return size_; }
  void* data() const { return data_; }
  template <typename T>
  T* as() const {
    return static_cast<T*>(data_);
  }

 private:
  void* data_ = nullptr;
  size_t size_ = 0;
};

// Reads a T from an address of any alignment (TensorFlow writes constants at multiples of 4 bytes,
// other tools at any).
template <typename T>
inline T LoadUnaligned(const void* p, size_t index = 0) {
  T value;
  memcpy(&value, static_cast<const char*>(p) + index * sizeof(T), sizeof(T));
  return value;
}

}  // namespace xncaps

#endif  // XNCAPS_KERNELS_MEMORY_H_
