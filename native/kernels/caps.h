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

  // v [B, J, E] of u [B, N, D], at any alignment. The pool may be null (one thread) and must not
  // have more threads than were reserved. Batches are split among threads, a single item by blocks
  // where that pays. kTooSmall: u or v is.
  Status Run(ThreadPool* pool, ConstBytes u, int batch, Bytes v);

  const CapsParams& params() const { return params_; }

 private:
  Status PackBits(const CapsConstants& constants);
  Status PackScale(const CapsConstants& constants);
  Status PackKernel(const CapsConstants& constants);
  CapsView View(int item) const;
  CapsScratch Scratch(int thread) const;
  void RunItem(int slot, bool backwards, const float* u, float* v);
  void RunBlocks(ThreadPool* pool, int threads, const float* u, float* v);

  struct BatchJob;
  struct BlockJob;
  static void BatchTask(void* job, int thread);
  static void BlockTask(void* job, int thread);

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
