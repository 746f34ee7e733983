// Memory that ends (or begins) at a page nobody may touch, at a chosen misalignment.
#ifndef XNCAPS_TEST_GUARDED_H_
#define XNCAPS_TEST_GUARDED_H_

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <vector>

#include "kernels/memory.h"

class Guarded {
 public:
  // The last byte lies right before an inaccessible page; so the address is as odd as `bytes`.
  explicit Guarded(size_t bytes) : bytes_(bytes) {
    const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    mapped_ = (bytes + page - 1) / page * page + 2 * page;
    base_ =
        static_cast<char*>(mmap(nullptr, mapped_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    if (base_ == MAP_FAILED) abort();
    if (mprotect(base_ + page, mapped_ - 2 * page, PROT_READ | PROT_WRITE) != 0) abort();
    data_ = base_ + mapped_ - page - bytes;
  }
  Guarded(const void* content, size_t bytes) : Guarded(bytes) { memcpy(data_, content, bytes); }
  Guarded(const Guarded&) = delete;
  Guarded& operator=(const Guarded&) = delete;
  ~Guarded() { munmap(base_, mapped_); }

  template <typename T>
  T* as() const {
    return reinterpret_cast<T*>(data_);
  }
  size_t size() const { return bytes_; }
  xncaps::ConstBytes in() const { return {data_, bytes_}; }
  xncaps::Bytes out() const { return {data_, bytes_}; }

 private:
  size_t bytes_, mapped_ = 0;
  char *base_ = nullptr, *data_ = nullptr;
};

// A vector as the kernels take it.
template <typename T>
xncaps::ConstBytes In(const std::vector<T>& values) {
  return {values.data(), values.size() * sizeof(T)};
}
template <typename T>
xncaps::Bytes Out(std::vector<T>* values) {
  return {values->data(), values->size() * sizeof(T)};
}

#endif  // XNCAPS_TEST_GUARDED_H_
