// Capsule layers with dynamic routing: XnCapsOdr, XnCapsIdr and XnCapsFc. Nothing here knows
// TFLite.
#ifndef XNCAPS_KERNELS_CAPS_H_
#define XNCAPS_KERNELS_CAPS_H_

#include <stddef.h>
#include <stdint.h>

#include "kernels/caps_kernels.h"
#include "kernels/memory.h"
#include "kernels/status.h"

namespace xncaps {

class ThreadPool;

struct CapsParams {
  CapsType type = CapsType::kOdr;
  int n = 0, d = 0, j = 0, e = 0, r = 0;  // each >= 1
  ScaleMode scale = ScaleMode::kNone;     // Odr only
  bool half_scale = false;                // the scale is float16
  bool half_kernel = false;               // Fc only: the kernel is float16
};

// The constants as they lie in the file, at any alignment.
struct CapsConstants {
  const void* bits = nullptr;   // Odr: [N, J, E, ceil(D/8)], bit d%8 of byte d//8 is W[n,j,d,e] > 0
  const void* scale = nullptr;  // Odr: float or half, [N, J, E] or [N, J], or null
  const void* kernel = nullptr;  // Idr, Fc: float or half [N, J, D, E]
};

// A layer made ready for one instruction set. `constants` are not needed after Pack.
class CapsLayer {
 public:
  Status Pack(const CapsParams& params, const CapsConstants& constants, const CapsKernels* kernels);

  // Memory for batches of any size on up to `threads` threads.
  Status Reserve(int threads);

  // v [B, J, E] of u [B, N, D], at any alignment, on up to the reserved number of threads of the
  // pool, which may be null (one thread): items are handed out one by one, a single item in a strip
  // of its blocks for each thread where that pays. Strips have sums of their own, which are added
  // in order: the result is the same to the bit run after run, but another number of threads is
  // another order of summation (and XnIDR looks at signs). kTooSmall: u or v is.
  Status Run(ThreadPool* pool, ConstBytes u, int batch, Bytes v);

  const CapsParams& params() const { return params_; }

 private:
  Status PackBits(const CapsConstants& constants);
  Status PackScale(const CapsConstants& constants);
  Status PackKernel(const CapsConstants& constants);
  CapsView View(int item) const;
  CapsScratch Scratch(int worker, int strip, int slot) const;
  void RunItem(ThreadPool* pool, int threads, int slot, bool backwards, const float* u, float* v);

  struct BatchJob;
  struct StripJob;
  static void BatchTask(void* job, int item, int worker);
  static void StripTask(void* job, int index, int worker);

  CapsParams params_;
  CapsView sizes_ = {};  // its pointers to constants are set, those to memory are not
  const CapsKernels* kernels_ = nullptr;
  int threads_ = 0;
  unsigned runs_ = 0;
  Buffer bits_, scale_, kernel_, work_, scratch_;
  size_t work_stride_ = 0, scratch_stride_ = 0;
};

// The layer in obvious loops and double precision, from the unpacked constants; slow.
Status CapsReference(const CapsParams& params, const CapsConstants& constants, const float* u,
                     int batch, float* v);

}  // namespace xncaps

#endif  // XNCAPS_KERNELS_CAPS_H_
