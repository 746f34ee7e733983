// The projection u -> u_hat over one instruction set's vectors: V is a struct of simd_*.h.
#ifndef XNCAPS_KERNELS_CAPS_PROJECT_H_
#define XNCAPS_KERNELS_CAPS_PROJECT_H_

#include "kernels/caps_kernels.h"
#include "kernels/simd.h"

// gcc at -O2 leaves these loops rolled, which costs a factor of three.
#define XNCAPS_UNROLL4(k) _Pragma("GCC unroll 4") for (int k = 0; k < 4; ++k)
#define XNCAPS_UNROLL8(k) _Pragma("GCC unroll 8") for (int k = 0; k < 8; ++k)

namespace xncaps {
namespace {

constexpr int kVectors = kBlock / kGroup;
static_assert(kVectors == 4 && kGroup == 8, "the unrolled loops below count to four");

template <class V>
struct CapsProject {
  typedef typename V::F8 F8;
  typedef typename V::B32 B32;
  typedef typename V::SignLanes SignLanes;

  // Eight floats, or `count` of them and zeros.
  XNCAPS_INLINE F8 LoadUpTo(const float* p, int count) {
    if (count >= kGroup) return V::Load(p);
    float padded[kGroup] = {0};
    for (int i = 0; i < count; ++i) padded[i] = p[i];
    return V::Load(padded);
  }

  // Poses d0 .. d0+7 of input capsule n; zero past D and past N.
  XNCAPS_INLINE F8 LoadPose(const CapsView& view, const float* u, int n, int d0) {
    if (n >= view.n) return V::Zero();
    return LoadUpTo(u + static_cast<size_t>(n) * view.d + d0, view.d - d0);
  }

  // Where the signs of the block's capsule `lane` of vector k are in its bytes of signs.
  XNCAPS_INLINE int SignByte(int k, int lane) {
    return V::kSumsInterleaved ? lane * kVectors + k : k * kGroup + lane;
  }

  // Whether the sums of signs are taken in bytes; else in floats.
  static bool SumsInBytes(const CapsView& view) {
    return view.int8_uhat ||
           (view.d_bytes <= kMaxByteSum && view.scale_mode == ScaleMode::kChannel);
  }

  // Signs and mean |u| of one block, the mean in the unit that makes up for that of int8 u_hat.
  static void LoadOdrInput(const CapsView& view, const float* u, int nb) {
    const float unit = view.int8_uhat ? 1.0f / V::kSumUnit : 1.0f;
    const F8 inverse = V::Set(unit / static_cast<float>(view.d));
    for (int k = 0; k < kVectors; ++k) {
      F8 sum = V::Zero();
      for (int db = 0; db < view.d_bytes; ++db) {
        uint8_t* bits = view.xbits + (static_cast<size_t>(nb) * view.d_bytes + db) * kBlock;
        F8 rows[kGroup];
        XNCAPS_UNROLL8(i) {
          rows[i] = LoadPose(view, u, nb * kBlock + k * kGroup + i, db * kGroup);
          bits[SignByte(k, i)] = V::SignBits(rows[i]);
        }
        XNCAPS_UNROLL8(i) rows[i] = V::Abs(rows[i]);
        sum = V::Add(sum, V::Sums8(rows));
      }
      V::Store(view.beta + static_cast<size_t>(nb) * kBlock + k * kGroup, V::Mul(sum, inverse));
    }
  }

  // Adds sum over the four vectors of c * f to the eight partial sums at acc.
  XNCAPS_INLINE void Accumulate(float* acc, bool first, const F8* c, const F8* f) {
    const F8 even = first ? V::Mul(c[0], f[0]) : V::Fma(c[0], f[0], V::Load(acc));
    const F8 odd = V::Mul(c[1], f[1]);
    V::Store(acc, V::Add(V::Fma(c[2], f[2], even), V::Fma(c[3], f[3], odd)));
  }

  // One (n block, j): all of its e. Plain pointers and counts: what a vector store might alias, the
  // compiler would read again in every turn of the loop.
  template <bool kInt8, int kDb>
  XNCAPS_INLINE void ProjectOdrRow(const uint8_t* x, const uint8_t* bits, const float* scale,
                                   void* uhat, float* acc, int count, int some_db, B32 unused,
                                   bool first, const F8* c) {
    const int d_bytes = kDb > 0 ? kDb : some_db;
    const B32 x0 = V::LoadBytes(x), x1 = kDb == 2 ? V::LoadBytes(x + kBlock) : x0;
    for (int e = 0; e < count; ++e) {
      B32 t = V::SignDot(x0, V::LoadBytes(bits));
      if (kDb == 2) t = V::AddBytes(t, V::SignDot(x1, V::LoadBytes(bits + kBlock)));
      for (int db = 1; kDb == 0 && db < d_bytes; ++db) {
        t = V::AddBytes(
            t, V::SignDot(V::LoadBytes(x + db * kBlock), V::LoadBytes(bits + db * kBlock)));
      }
      if (kDb == 0) t = V::AddBytes(t, unused);
      F8 f[kVectors];
      V::SumsToFloats(t, f);
      if (kInt8) {
        V::StoreBytes(static_cast<int8_t*>(uhat) + e * kBlock, t);
      } else {
        XNCAPS_UNROLL4(k) f[k] = V::Mul(f[k], V::Load(scale + e * kBlock + k * kGroup));
        XNCAPS_UNROLL4(k) V::Store(static_cast<float*>(uhat) + e * kBlock + k * kGroup, f[k]);
      }
      Accumulate(acc + e * kGroup, first, c, f);
      bits += d_bytes * kBlock;
    }
  }

  // kDb: bytes of signs in a pose where they are full, 0: `some_db`, at most kMaxByteSum.
  template <bool kInt8, int kDb>
  static void ProjectOdrBlock(const CapsView& view, const CapsScratch& scratch, int nb,
                              bool first) {
    const int count = view.e, d_bytes = view.d_bytes, rows = view.j;
    const uint8_t* x = view.xbits + static_cast<size_t>(nb) * d_bytes * kBlock;
    const B32 unused = V::SetBytes(static_cast<uint8_t>(view.d - 8 * d_bytes));
    const bool capsule_scale = kInt8 && view.scale_mode == ScaleMode::kCapsule;
    const size_t row0 = static_cast<size_t>(nb) * rows, step = static_cast<size_t>(count) * kBlock;
    const uint8_t* bits = view.bits + row0 * step * d_bytes;
    const float* scale = view.scale + (kInt8 ? (capsule_scale ? row0 * kBlock : 0) : row0 * step);
    char* uhat = static_cast<char*>(view.uhat) + row0 * step * (kInt8 ? 1 : sizeof(float));
    float* acc = scratch.acc;
    F8 beta[kVectors], c[kVectors];
    XNCAPS_UNROLL4(k) beta[k] = V::Load(view.beta + static_cast<size_t>(nb) * kBlock + k * kGroup);
    for (int j = 0; j < rows; ++j) {
      XNCAPS_UNROLL4(k)
      c[k] = capsule_scale ? V::Mul(beta[k], V::Load(scale + k * kGroup)) : beta[k];
      if (first)
        ProjectOdrRow<kInt8, kDb>(x, bits, scale, uhat, acc, count, d_bytes, unused, true, c);
      else
        ProjectOdrRow<kInt8, kDb>(x, bits, scale, uhat, acc, count, d_bytes, unused, false, c);
      bits += step * d_bytes;
      if (kInt8)
        scale += capsule_scale ? kBlock : 0;
      else
        scale += step;
      uhat += step * (kInt8 ? 1 : sizeof(float));
      acc += static_cast<size_t>(count) * kGroup;
    }
  }

  // Poses whose sum of signs does not fit in a byte: sums in floats, exact up to 2^24.
  static void ProjectOdrBlockLong(const CapsView& view, const CapsScratch& scratch, int nb,
                                  bool first) {
    const uint8_t* x = view.xbits + static_cast<size_t>(nb) * view.d_bytes * kBlock;
    const F8 unit = V::Set(1.0f / V::kSumUnit);
    F8 beta[kVectors];
    XNCAPS_UNROLL4(k) beta[k] = V::Load(view.beta + static_cast<size_t>(nb) * kBlock + k * kGroup);
    for (size_t je = 0; je < static_cast<size_t>(view.j) * view.e; ++je) {
      const size_t nj = static_cast<size_t>(nb) * view.j + je / view.e;
      const size_t at = (static_cast<size_t>(nb) * view.j * view.e + je) * kBlock;
      F8 f[kVectors];
      XNCAPS_UNROLL4(k) f[k] = V::Set(static_cast<float>(view.d - 8 * view.d_bytes));
      for (int db = 0; db < view.d_bytes; ++db) {
        F8 part[kVectors];
        V::SumsToFloats(V::SignDot(V::LoadBytes(x + static_cast<size_t>(db) * kBlock),
                                   V::LoadBytes(view.bits + at * view.d_bytes +
                                                static_cast<size_t>(db) * kBlock)),
                        part);
        XNCAPS_UNROLL4(k) f[k] = V::Fma(part[k], unit, f[k]);
      }
      if (view.scale_mode != ScaleMode::kNone) {
        const float* scale =
            view.scale + (view.scale_mode == ScaleMode::kChannel ? at : nj * kBlock);
        XNCAPS_UNROLL4(k) f[k] = V::Mul(f[k], V::Load(scale + k * kGroup));
      }
      XNCAPS_UNROLL4(k) V::Store(static_cast<float*>(view.uhat) + at + k * kGroup, f[k]);
      Accumulate(scratch.acc + je * kGroup, first, beta, f);
    }
  }

  template <bool kInt8>
  static void ProjectOdrSums(const CapsView& view, const CapsScratch& scratch, int nb, bool first) {
    if (view.d == 8)
      ProjectOdrBlock<kInt8, 1>(view, scratch, nb, first);
    else if (view.d == 16)
      ProjectOdrBlock<kInt8, 2>(view, scratch, nb, first);
    else
      ProjectOdrBlock<kInt8, 0>(view, scratch, nb, first);
  }

  static void ProjectOdr(const CapsView& view, const CapsScratch& scratch, const float* u,
                         int begin, int end) {
    for (int nb = begin; nb < end; ++nb) {
      LoadOdrInput(view, u, nb);
      if (!SumsInBytes(view))
        ProjectOdrBlockLong(view, scratch, nb, nb == begin);
      else if (view.int8_uhat)
        ProjectOdrSums<true>(view, scratch, nb, nb == begin);
      else
        ProjectOdrSums<false>(view, scratch, nb, nb == begin);
    }
  }

  template <bool kHalf>
  XNCAPS_INLINE F8 LoadKernel(const void* kernel, size_t at) {
    if (kHalf) return V::LoadHalf(static_cast<const uint16_t*>(kernel) + at);
    return V::Load(static_cast<const float*>(kernel) + at);
  }

  // u[n8, :] . W[n8, j, :, e] of the eight capsules of a group; kernel at [D][kGroup].
  template <bool kHalf, int kD>
  XNCAPS_INLINE F8 FloatDot(const void* kernel, int some_d, const F8* ut, const float* ut_memory) {
    const int size = kD > 0 ? kD : some_d;
    F8 even = V::Zero(), odd = V::Zero();
    if (kD == 8) {
      F8 w[kGroup];
      XNCAPS_UNROLL8(d) w[d] = LoadKernel<kHalf>(kernel, d * kGroup);
      even = V::Fma(ut[6], w[6], V::Fma(ut[4], w[4], V::Fma(ut[2], w[2], V::Mul(ut[0], w[0]))));
      odd = V::Fma(ut[7], w[7], V::Fma(ut[5], w[5], V::Fma(ut[3], w[3], V::Mul(ut[1], w[1]))));
      return V::Add(even, odd);
    }
    int d = 0;
    for (; d + 2 <= size; d += 2) {
      even = V::Fma(V::Load(ut_memory + d * kGroup), LoadKernel<kHalf>(kernel, d * kGroup), even);
      odd = V::Fma(V::Load(ut_memory + (d + 1) * kGroup),
                   LoadKernel<kHalf>(kernel, (d + 1) * kGroup), odd);
    }
    if (d < size)
      even = V::Fma(V::Load(ut_memory + d * kGroup), LoadKernel<kHalf>(kernel, d * kGroup), even);
    return V::Add(even, odd);
  }

  // Bytes ahead. The weights come from the second or third cache; what the processor prefetches by
  // itself ends at each page: 3 % of XnCapsFc and XnCapsIdr.
  static constexpr int kPrefetch = 2048, kLine = 64;

  // One (group of eight n, j): all of its e.
  template <bool kIdr, bool kHalf, int kD>
  XNCAPS_INLINE void ProjectFloatRow(const void* kernel, int count, int size, const F8* ut,
                                     const float* ut_memory, float* uhat, float* acc, bool first,
                                     uint8_t* masks, float* mabs) {
    const char* w = static_cast<const char*>(kernel);
    const size_t step = static_cast<size_t>(kD > 0 ? kD : size) * kGroup * (kHalf ? 2 : 4);
    SignLanes signs = V::NoSigns(), bit = V::FirstBit();
    F8 mean = V::Zero();
    for (int e = 0; e < count; ++e, w += step) {
      if (kD == 8 && !kHalf) XNCAPS_UNROLL4(k) __builtin_prefetch(w + kPrefetch + k * kLine);
      const F8 f = FloatDot<kHalf, kD>(w, size, ut, ut_memory);
      V::Store(uhat + static_cast<size_t>(e) * kBlock, f);
      V::Store(acc + e * kGroup, first ? f : V::Add(f, V::Load(acc + e * kGroup)));
      if (!kIdr) continue;
      mean = V::Add(mean, V::Abs(f));
      signs = V::AddSign(signs, f, bit);
      bit = V::NextBit(bit);
      if (e % 8 == 7 || e + 1 == count) {
        V::StoreSigns(masks + static_cast<size_t>(e / 8) * kBlock, signs);
        signs = V::NoSigns();
        bit = V::FirstBit();
      }
    }
    if (kIdr) V::Store(mabs, V::Mul(mean, V::Set(1.0f / static_cast<float>(count))));
  }

  // ut = the input of the groups [begin, end), lanes over n.
  static void TransposeInput(const CapsView& view, const float* u, int begin, int end) {
    float* ut = view.ut + static_cast<size_t>(begin) * view.d_bytes * 8 * kGroup;
    for (int n8 = begin; n8 < end; ++n8) {
      for (int db = 0; db < view.d_bytes; ++db, ut += 8 * kGroup) {
        F8 rows[kGroup];
        XNCAPS_UNROLL8(i) rows[i] = LoadPose(view, u, n8 * kGroup + i, db * kGroup);
        V::Transpose8(rows);
        XNCAPS_UNROLL8(i) V::Store(ut + i * kGroup, rows[i]);
      }
    }
  }

  // One j of the groups [begin, end).
  template <bool kIdr, bool kHalf, int kD>
  static void ProjectFloatGroups(const CapsView& view, const CapsScratch& scratch, int j, int begin,
                                 int end) {
    const int count = view.e, size = view.d;
    const size_t e_bytes = view.e_bytes, ut_step = static_cast<size_t>(view.d_bytes) * 8 * kGroup;
    const size_t step = static_cast<size_t>(count) * size * kGroup * (kHalf ? 2 : 4);
    const char* kernel = static_cast<const char*>(view.kernel) +
                         (static_cast<size_t>(j) * view.blocks * kVectors + begin) * step;
    const float* ut_memory = view.ut + begin * ut_step;
    float* acc = scratch.acc + static_cast<size_t>(j) * count * kGroup;
    for (int n8 = begin; n8 < end; ++n8, kernel += step, ut_memory += ut_step) {
      const size_t nj = static_cast<size_t>(n8 / kVectors) * view.j + j;
      const size_t lane = static_cast<size_t>(n8 % kVectors) * kGroup;
      F8 ut[kGroup];
      XNCAPS_UNROLL8(i) ut[i] = V::Load(ut_memory + i * kGroup);
      ProjectFloatRow<kIdr, kHalf, kD>(kernel, count, size, ut, ut_memory,
                                       static_cast<float*>(view.uhat) + nj * count * kBlock + lane,
                                       acc, n8 == begin, view.masks + nj * e_bytes * kBlock + lane,
                                       view.mabs + nj * kBlock + lane);
    }
  }

  // The weights of one j after the other: in whichever direction, each sum is taken in one order.
  template <bool kIdr, bool kHalf>
  static void ProjectFloat(const CapsView& view, const CapsScratch& scratch, const float* u,
                           int begin, int end) {
    begin *= kVectors;
    end *= kVectors;
    TransposeInput(view, u, begin, end);
    for (int i = 0; i < view.j; ++i) {
      const int j = view.backwards ? view.j - 1 - i : i;
      if (view.d == 8)
        ProjectFloatGroups<kIdr, kHalf, 8>(view, scratch, j, begin, end);
      else
        ProjectFloatGroups<kIdr, kHalf, 0>(view, scratch, j, begin, end);
    }
  }

  static void Project(const CapsView& view, const CapsScratch& scratch, const float* u, int begin,
                      int end) {
    switch (view.type) {
      case CapsType::kOdr:
        return ProjectOdr(view, scratch, u, begin, end);
      case CapsType::kIdr:
        return ProjectFloat<true, false>(view, scratch, u, begin, end);
      case CapsType::kFc:
        return view.half_kernel ? ProjectFloat<false, true>(view, scratch, u, begin, end)
                                : ProjectFloat<false, false>(view, scratch, u, begin, end);
    }
  }
};

}  // namespace
}  // namespace xncaps

#endif  // XNCAPS_KERNELS_CAPS_PROJECT_H_
