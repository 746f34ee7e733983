// Sizes multiplied and added with checks: shapes come from strangers.
#ifndef XNCAPS_KERNELS_SIZES_H_
#define XNCAPS_KERNELS_SIZES_H_

#include <stddef.h>
#include <stdint.h>

#include "kernels/memory.h"

namespace xncaps {

// Several sizes in a row; ok() tells at the end whether all of them can be addressed.
class Sizes {
 public:
  // 0 where it does not fit.
  size_t Product(size_t a, size_t b, size_t c = 1, size_t d = 1, size_t e = 1) {
    size_t product = 0;
    ok_ = ok_ && !__builtin_mul_overflow(a, b, &product) &&
          !__builtin_mul_overflow(product, c, &product) &&
          !__builtin_mul_overflow(product, d, &product) &&
          !__builtin_mul_overflow(product, e, &product) && product <= kMost;
    return ok_ ? product : 0;
  }

  // Takes `bytes` and returns where they begin; each array starts on a cache line of its own.
  size_t Take(size_t bytes) {
    const size_t at = total_;
    ok_ = ok_ && bytes <= kMost && total_ <= kMost;
    if (ok_) total_ += (bytes + kAlignment - 1) / kAlignment * kAlignment;
    return at;
  }

  bool ok() const { return ok_; }
  size_t total() const { return total_; }

 private:
  static constexpr size_t kMost = SIZE_MAX / 16;  // room to add a few without another check
  bool ok_ = true;
  size_t total_ = 0;
};

}  // namespace xncaps

#endif  // XNCAPS_KERNELS_SIZES_H_
