// What the files of one instruction set each know of the capsule layers: plain structs, no inline
// functions (one compiled for AVX2 could be the copy that the linker keeps for everyone).
//
// Axes: N input capsules, D their pose, J output capsules, E their pose, R routing turns.
// Lanes of the vector units run over n: no horizontal sum in the agreement, a softmax over j that
// is elementwise, and every lane of exp() used. `kBlock` input capsules make a block; the last
// block is filled up with zero capsules, which add nothing to any sum.
#ifndef XNCAPS_KERNELS_CAPS_KERNELS_H_
#define XNCAPS_KERNELS_CAPS_KERNELS_H_

#include <stddef.h>
#include <stdint.h>

namespace xncaps {

constexpr int kBlock = 32;  // input capsules in a block
constexpr int kGroup = 8;   // input capsules in a group of float weights, floats in a partial sum

// Largest pose, in bytes of signs, whose sum of signs fits in a signed byte.
constexpr int kMaxByteSum = 15;

enum class CapsType { kOdr, kIdr, kFc };
enum class ScaleMode { kNone, kCapsule, kChannel };  // no scale, [N, J], [N, J, E]

// One layer and the memory for one batch item. All arrays are aligned to 64 bytes.
struct CapsView {
  CapsType type;
  ScaleMode scale_mode;
  int n, d, j, e;
  int blocks;        // NB = ceil(N / kBlock)
  int d_bytes;       // DB = ceil(D / 8)
  int e_bytes;       // EB = ceil(E / 8)
  bool int8_uhat;    // u_hat is kept as the int8 sum of signs, without beta and scale
  bool half_kernel;  // the kernel below is float16

  // Packed constants.
  const uint8_t* bits;  // Odr: [NB][J][E][DB][kBlock], unused high bits 0; see `interleaved`
  const float* scale;   // Odr: [NB][J][E][kBlock], [NB][J][kBlock] or null; see `sum_unit`
  const void* kernel;   // Idr, Fc: [J][NB*4][E][D][kGroup] float or half

  // Walk the constants from their end: what the caches still hold of them is read before it is
  // lost.
  bool backwards;

  // Written while running; blocks are independent.
  void* uhat;      // [NB][J][E][kBlock] float, or int8
  float* logits;   // [NB][J][kBlock]
  float* beta;     // Odr: [NB*kBlock] mean |u|, in the unit that makes up for that of int8 u_hat
  uint8_t* xbits;  // Odr: [NB][DB][kBlock] signs of u; see `interleaved`
  float* ut;       // Idr, Fc: [NB*4][DB*8][kGroup] transposed u
  float* mabs;     // Idr: [NB][J][kBlock] mean |u_hat|
  uint8_t* masks;  // Idr: [NB][J][EB][kBlock] signs of u_hat
  float* v;        // [J][E]
};

// Memory of one thread, and of one strip of blocks.
struct CapsScratch {
  float* acc;      // [J][E][kGroup] partial sums over n, of this strip
  float* ct;       // [J][kBlock] softmax of one block
  uint8_t* vmask;  // Idr: [J][EB] signs of v
  float* vabs;     // Idr: [J] mean |v|
};

// What one instruction set offers. Blocks [begin, end) only; `acc` is overwritten, not added to.
struct CapsKernels {
  // u_hat of the blocks, and acc = sum over their n of u_hat (J times the first turn's sum).
  // u: [N, D] floats of one batch item, any alignment; not read past its end.
  void (*project)(const CapsView& view, const CapsScratch& scratch, const float* u, int begin,
                  int end);
  // logits += agreement(v) (= where `first`); c = softmax over j; acc = sum over n of c * u_hat.
  void (*turn)(const CapsView& view, const CapsScratch& scratch, bool first, int begin, int end);
  // s = factor * sum over the `parts` arrays of acc and their lanes; out = squash(s), [J, E], any
  // alignment.
  void (*squash)(const CapsView& view, const float* const* acc, int parts, float factor,
                 float* out);
  // Whether project() takes a half kernel; else it is expanded when packed.
  bool half_kernel;
  // Whether the bytes of signs of a block are those of its capsules 0, 8, 16, 24, 1, 9, ...
  bool interleaved;
  // Sums of signs come out so many times too large. Scales for each channel are packed as small as
  // makes up for it, where sums are taken in bytes; else mean |u| is.
  float sum_unit;
};

}  // namespace xncaps

#endif  // XNCAPS_KERNELS_CAPS_KERNELS_H_
