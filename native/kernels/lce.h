// larq-compute-engine's ops: LceQuantize, LceDequantize, LceBMaxPool2d and LceBconv2d. Nothing here
// knows TFLite.
#ifndef XNCAPS_KERNELS_LCE_H_
#define XNCAPS_KERNELS_LCE_H_

#include <stddef.h>
#include <stdint.h>

#include "kernels/lce_kernels.h"
#include "kernels/memory.h"
#include "kernels/status.h"

namespace xncaps {

class ThreadPool;

constexpr int kWordBits = 32;
inline int WordsOf(int channels) { return channels / kWordBits + (channels % kWordBits != 0); }

// One axis of a convolution or pooling. False: no output, or it cannot be addressed.
struct Window {
  int in = 0, filter = 1, stride = 1, dilation = 1;
  bool same = false;
  int out = 0, pad = 0;  // results: output size, what is put before the input
  bool Place();
};

enum class LceType { kFloat, kInt8, kBool };

// All of these: any alignment; kTooSmall where `in` or `out` has fewer bytes than that takes.
// [rows, cols] of `type` to bits. `zero_point` of int8. LCE packs false as a 1. Floats that begin
// at a multiple of 4 may go through `steps` before.
Status LceQuantize(const LceKernels& kernels, ThreadPool* pool, LceType type, ConstBytes in,
                   size_t rows, size_t cols, int zero_point, Bytes out,
                   const TailStep* steps = nullptr, int count = 0);
// Bits to [rows, cols] of `type`: +1 and -1 (int8: `clear` and `set`; bool: true and false).
Status LceDequantize(const LceKernels& kernels, ThreadPool* pool, LceType type, ConstBytes in,
                     size_t rows, size_t cols, int clear, int set, Bytes out);

struct BmaxPool {
  Window y, x;  // placed
  int words = 0;
};
// The largest of each window: a 1 (negative) only where all are.
Status LceMaxPool(const LceKernels& kernels, ThreadPool* pool, const BmaxPool& shape, ConstBytes in,
                  int batch, Bytes out);

enum class LceActivation { kNone, kRelu, kReluN1To1, kRelu6 };

struct BconvParams {
  Window y, x;  // sizes of filters, strides, dilations, padding; Resize() sets the input's
  int in_c = 0, out_c = 0, groups = 1;  // in_c / groups: a multiple of 32 where groups > 1
  bool zero_padding = false;            // odd in_c / groups: with kNone and kFloat only
  LceActivation activation = LceActivation::kNone;
  LceOutput output = LceOutput::kFloat;
  double scale = 1;  // int8
  int zero_point = 0;
};

// The constants as they lie in the file, at any alignment.
struct BconvConstants {
  const void* filter = nullptr;      // words [out_c, filter_h, filter_w, words of a group]
  const void* multiplier = nullptr;  // float [out_c]: float and int8 output
  const void* bias = nullptr;        // float [out_c]
  const void* thresholds = nullptr;  // int32 [out_c]: bits; 1 where the count is larger
};

// What follows a convolution of floats in the same pass: steps, then signs of the results to `bits`
// where that is not empty, as LceQuantize packs them.
struct BconvTail {
  const TailStep* steps = nullptr;  // operands that are tensors have all of the output's values
  int count = 0;
  Bytes bits = {nullptr, 0};
};

// Padded rows of all threads: a tiny file with an extreme dilation cannot commit more.
constexpr size_t kMaxScratchBytes = size_t{64} << 20;

// A layer made ready for one instruction set. `constants` are not needed after Pack.
class BconvLayer {
 public:
  Status Pack(const BconvParams& params, const BconvConstants& constants,
              const LceKernels* kernels);
  // For inputs [batch, in_h, in_w, words] on up to `threads` threads, on fewer where the limit
  // above asks for it (kOverLimit: even one would be too many); after Pack, at any time.
  Status Resize(int in_h, int in_w, int threads);
  // kTooSmall where `in` or `out` has fewer bytes than the batch takes.
  Status Run(ThreadPool* pool, ConstBytes in, int batch, Bytes out,
             const BconvTail& tail = BconvTail());

  int threads() const { return threads_; }  // that Run takes at most
  int out_h() const { return view_.out_h; }
  int out_w() const { return view_.out_w; }
  int out_words() const { return view_.out_words; }  // of a pixel's signs
  int out_depth() const {
    return params_.output == LceOutput::kBits ? view_.out_words : params_.out_c;
  }

 private:
  Status PackFilter(const void* filter);
  Status PackTransform(const BconvConstants& constants);
  Status PackTapSums(const BconvConstants& constants);
  Status Segments();
  struct Job;
  static void Task(void* job, int index, int worker);

  BconvParams params_;
  const LceKernels* kernels_ = nullptr;
  BconvView view_ = {};
  int strip_rows_ = 1, threads_ = 1;
  size_t rows_bytes_ = 0, scratch_stride_ = 0;
  Buffer filter_, segments_, multiplier_, bias_, thresholds_, least_, tap_sums_, tap_worth_,
      scratch_;
};

// The same in obvious loops, from the unpacked constants.
void BconvReference(const BconvParams& params, const BconvConstants& constants, const void* in,
                    int batch, void* out);

}  // namespace xncaps

#endif  // XNCAPS_KERNELS_LCE_H_
