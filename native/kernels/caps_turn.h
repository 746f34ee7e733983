// A turn of the routing, and squash, over one instruction set's vectors: V is a struct of simd_*.h.
#ifndef XNCAPS_KERNELS_CAPS_TURN_H_
#define XNCAPS_KERNELS_CAPS_TURN_H_

#include "kernels/caps_project.h"

namespace xncaps {
namespace {

// How u_hat lies in memory and what the agreement is made of.
enum class Kind { kOdrFloat, kOdrInt8, kIdr, kFc };

// Past this |s|^2 may have overflowed, and |v| is 1 to the last bit.
constexpr float kLargestSquare = 1e36f;

// v = s / |s| in place of a huge s.
static void SquashHuge(float* s, int size) {
  float n2 = 0, largest = 0;
  for (int e = 0; e < size; ++e)
    largest = __builtin_fabsf(s[e]) > largest ? __builtin_fabsf(s[e]) : largest;
  for (int e = 0; e < size; ++e) n2 += (s[e] / largest) * (s[e] / largest);
  for (int e = 0; e < size; ++e) s[e] = s[e] / largest / __builtin_sqrtf(n2);
}

template <class V>
struct CapsTurn {
  typedef CapsProject<V> Projection;
  typedef typename V::F8 F8;
  typedef typename V::B32 B32;

  template <Kind kKind>
  XNCAPS_INLINE void LoadUhat(const void* uhat, size_t at, F8* f) {
    if (kKind == Kind::kOdrInt8) {
      V::SumsToFloats(V::LoadBytes(static_cast<const uint8_t*>(uhat) + at), f);
    } else {
      const float* p = static_cast<const float*>(uhat) + at;
      XNCAPS_UNROLL4(k) f[k] = V::Load(p + k * kGroup);
    }
  }

  // sum over e of u_hat * v for one j of a block.
  template <Kind kKind>
  XNCAPS_INLINE void DotAgreement(const void* uhat, size_t at, const float* v, int count, F8* g) {
    F8 odd[kVectors], f[kVectors];
    XNCAPS_UNROLL4(k) g[k] = odd[k] = V::Zero();
    int e = 0;
    for (; e + 2 <= count; e += 2) {
      const F8 v0 = V::Set(v[e]), v1 = V::Set(v[e + 1]);
      LoadUhat<kKind>(uhat, at + static_cast<size_t>(e) * kBlock, f);
      XNCAPS_UNROLL4(k) g[k] = V::Fma(f[k], v0, g[k]);
      LoadUhat<kKind>(uhat, at + static_cast<size_t>(e + 1) * kBlock, f);
      XNCAPS_UNROLL4(k) odd[k] = V::Fma(f[k], v1, odd[k]);
    }
    if (e < count) {
      const F8 v0 = V::Set(v[e]);
      LoadUhat<kKind>(uhat, at + static_cast<size_t>(e) * kBlock, f);
      XNCAPS_UNROLL4(k) g[k] = V::Fma(f[k], v0, g[k]);
    }
    XNCAPS_UNROLL4(k) g[k] = V::Add(g[k], odd[k]);
  }

  // sum over e of sign u_hat * sign v, times both means, for one j of a block. kEb: bytes of signs
  // where E is 8 or 16, 0: any.
  template <int kEb>
  XNCAPS_INLINE void SignAgreement(const uint8_t* masks, const uint8_t* vmask, int count,
                                   float vabs, const float* mabs, F8* g) {
    const int e_bytes = kEb > 0 ? kEb : (count - 1) / 8 + 1;
    const float unused = kEb > 0 ? 0.0f : static_cast<float>(count - 8 * e_bytes);  // they agree
    XNCAPS_UNROLL4(k) g[k] = V::Set(unused);
    for (int eb = 0; eb < e_bytes;) {
      const int stop = kEb > 0 ? kEb : e_bytes - eb > kMaxByteSum ? eb + kMaxByteSum : e_bytes;
      B32 t = V::SignDot(V::LoadBytes(masks + static_cast<size_t>(eb) * kBlock),
                         V::SetBytes(vmask[eb]));
      for (++eb; eb < stop; ++eb) {
        t = V::AddBytes(t, V::SignDot(V::LoadBytes(masks + static_cast<size_t>(eb) * kBlock),
                                      V::SetBytes(vmask[eb])));
      }
      F8 f[kVectors];
      V::BytesToFloats(t, f);
      XNCAPS_UNROLL4(k) g[k] = kEb > 0 ? f[k] : V::Add(g[k], f[k]);
    }
    XNCAPS_UNROLL4(k) g[k] = V::Mul(g[k], V::Mul(V::Set(vabs), V::Load(mabs + k * kGroup)));
  }

  // Signs and mean |v| of every j.
  static void PrepareSigns(const CapsView& view, const CapsScratch& scratch) {
    for (int j = 0; j < view.j; ++j) {
      const float* v = view.v + static_cast<size_t>(j) * view.e;
      uint8_t* mask = scratch.vmask + static_cast<size_t>(j) * view.e_bytes;
      F8 sum = V::Zero();
      for (int eb = 0; eb < view.e_bytes; ++eb) {
        const F8 part = Projection::LoadUpTo(v + eb * kGroup, view.e - eb * kGroup);
        mask[eb] = V::SignBits(part);
        sum = V::Add(sum, V::Abs(part));
      }
      float lanes[kGroup];
      V::Store(lanes, sum);
      const float total = ((lanes[0] + lanes[4]) + (lanes[2] + lanes[6])) +
                          ((lanes[1] + lanes[5]) + (lanes[3] + lanes[7]));
      scratch.vabs[j] = total / static_cast<float>(view.e);
    }
  }

  // New logits of a block; largest[] is their maximum over j.
  template <Kind kKind>
  XNCAPS_INLINE void UpdateLogits(const CapsView& view, const CapsScratch& scratch, bool first,
                                  int nb, F8* largest) {
    constexpr bool kOdr = kKind == Kind::kOdrFloat || kKind == Kind::kOdrInt8;
    const bool capsule_scale = kKind == Kind::kOdrInt8 && view.scale_mode == ScaleMode::kCapsule;
    const int rows = view.j, count = view.e;
    const void* uhat = view.uhat;
    const float *v = view.v, *scale = view.scale;
    float* all_logits = view.logits;
    const uint8_t *masks = view.masks, *vmask = scratch.vmask;  // Idr only, to the end of these
    const float *mabs = view.mabs, *vabs = scratch.vabs;
    const size_t e_bytes = view.e_bytes;
    F8 beta[kVectors], top[kVectors];
    if (kOdr) XNCAPS_UNROLL4(k)
    beta[k] = V::Load(view.beta + static_cast<size_t>(nb) * kBlock + k * kGroup);
    XNCAPS_UNROLL4(k) top[k] = V::Set(-3.0e38f);
    for (int j = 0; j < rows; ++j) {
      const size_t nj = static_cast<size_t>(nb) * rows + j;
      F8 g[kVectors];
      if (kKind == Kind::kIdr) {
        const uint8_t* signs = masks + nj * e_bytes * kBlock;
        const uint8_t* vsigns = vmask + static_cast<size_t>(j) * e_bytes;
        const float* mean = mabs + nj * kBlock;
        if (count == 16)
          SignAgreement<2>(signs, vsigns, count, vabs[j], mean, g);
        else if (count == 8)
          SignAgreement<1>(signs, vsigns, count, vabs[j], mean, g);
        else
          SignAgreement<0>(signs, vsigns, count, vabs[j], mean, g);
      } else {
        DotAgreement<kKind>(uhat, nj * count * kBlock, v + static_cast<size_t>(j) * count, count,
                            g);
      }
      if (kOdr) XNCAPS_UNROLL4(k) g[k] = V::Mul(g[k], beta[k]);
      if (capsule_scale)
        XNCAPS_UNROLL4(k) g[k] = V::Mul(g[k], V::Load(scale + nj * kBlock + k * kGroup));
      float* logits = all_logits + nj * kBlock;
      if (!first) XNCAPS_UNROLL4(k) g[k] = V::Add(g[k], V::Load(logits + k * kGroup));
      XNCAPS_UNROLL4(k) V::Store(logits + k * kGroup, g[k]);
      XNCAPS_UNROLL4(k) top[k] = V::Max(top[k], g[k]);
    }
    XNCAPS_UNROLL4(k) largest[k] = top[k];
  }

  // scratch.ct = exp(logits - largest); factor = (beta or 1) / their sum over j.
  template <Kind kKind>
  XNCAPS_INLINE void Exponentials(const CapsView& view, const CapsScratch& scratch, int nb,
                                  const F8* largest, F8* factor) {
    F8 sum[kVectors];
    XNCAPS_UNROLL4(k) sum[k] = V::Zero();
    const int rows = view.j;
    const float* logits = view.logits + static_cast<size_t>(nb) * rows * kBlock;
    float* ct = scratch.ct;
    for (int j = 0; j < rows; ++j, logits += kBlock, ct += kBlock) {
      XNCAPS_UNROLL4(k) {
        const F8 c = V::Exp(V::Sub(V::Load(logits + k * kGroup), largest[k]));
        sum[k] = V::Add(sum[k], c);
        V::Store(ct + k * kGroup, c);
      }
    }
    constexpr bool kOdr = kKind == Kind::kOdrFloat || kKind == Kind::kOdrInt8;
    XNCAPS_UNROLL4(k) {
      const F8 top =
          kOdr ? V::Load(view.beta + static_cast<size_t>(nb) * kBlock + k * kGroup) : V::Set(1.0f);
      factor[k] = V::Div(top, sum[k]);
    }
  }

  // acc = or += sum over the block's n of c * u_hat.
  template <Kind kKind>
  XNCAPS_INLINE void WeightedSum(const CapsView& view, const CapsScratch& scratch, int nb,
                                 const F8* factor, bool first) {
    const bool capsule_scale = kKind == Kind::kOdrInt8 && view.scale_mode == ScaleMode::kCapsule;
    const int rows = view.j, count = view.e;
    const void* uhat = view.uhat;
    const float *ct = scratch.ct, *scale = view.scale;
    float* acc = scratch.acc;
    for (int j = 0; j < rows; ++j) {
      const size_t nj = static_cast<size_t>(nb) * rows + j;
      F8 c[kVectors];
      XNCAPS_UNROLL4(k)
      c[k] = V::Mul(V::Load(ct + static_cast<size_t>(j) * kBlock + k * kGroup), factor[k]);
      if (capsule_scale)
        XNCAPS_UNROLL4(k) c[k] = V::Mul(c[k], V::Load(scale + nj * kBlock + k * kGroup));
      for (int e = 0; e < count; ++e, acc += kGroup) {
        F8 f[kVectors];
        LoadUhat<kKind>(uhat, (nj * count + e) * kBlock, f);
        Projection::Accumulate(acc, first, c, f);
      }
    }
  }

  template <Kind kKind>
  static void TurnBlocks(const CapsView& view, const CapsScratch& scratch, bool first, int begin,
                         int end) {
    if (kKind == Kind::kIdr) PrepareSigns(view, scratch);
    for (int i = begin; i < end; ++i) {
      // The first turn from the end: of u_hat the last blocks are still in the cache.
      const int nb = first ? end - 1 - (i - begin) : i;
      F8 largest[kVectors], factor[kVectors];
      UpdateLogits<kKind>(view, scratch, first, nb, largest);
      Exponentials<kKind>(view, scratch, nb, largest, factor);
      if (i == begin)
        WeightedSum<kKind>(view, scratch, nb, factor, true);
      else
        WeightedSum<kKind>(view, scratch, nb, factor, false);
    }
  }

  static void Turn(const CapsView& view, const CapsScratch& scratch, bool first, int begin,
                   int end) {
    switch (view.type) {
      case CapsType::kOdr:
        return view.int8_uhat ? TurnBlocks<Kind::kOdrInt8>(view, scratch, first, begin, end)
                              : TurnBlocks<Kind::kOdrFloat>(view, scratch, first, begin, end);
      case CapsType::kIdr:
        return TurnBlocks<Kind::kIdr>(view, scratch, first, begin, end);
      case CapsType::kFc:
        return TurnBlocks<Kind::kFc>(view, scratch, first, begin, end);
    }
  }

  // v = s * |s| / (1 + |s|^2) in place of the rows [j, j + 8) that there are, their factors at
  // once. Zero stays zero.
  XNCAPS_INLINE void SquashRows(const CapsView& view, int j, float* out) {
    const int rows = view.j - j < kGroup ? view.j - j : kGroup;
    F8 squares[kGroup];
    const int count = view.e;
    XNCAPS_UNROLL8(i) squares[i] = V::Zero();
    for (int i = 0; i < rows; ++i) {
      const float* s = out + static_cast<size_t>(j + i) * count;
      F8 sum = V::Zero();
      for (int e = 0; e < count; e += kGroup) {
        const F8 part = Projection::LoadUpTo(s + e, count - e);
        sum = V::Fma(part, part, sum);
      }
      squares[i] = sum;
    }
    float factors[kGroup], norms[kGroup];
    const F8 n2 = V::Sums8(squares);
    V::Store(norms, n2);
    V::Store(factors, V::Div(V::Sqrt(n2), V::Add(n2, V::Set(1.0f))));
    for (int i = 0; i < rows; ++i) {
      float* s = out + static_cast<size_t>(j + i) * count;
      if (!(norms[i] <= kLargestSquare)) {
        SquashHuge(s, count);
        continue;
      }
      const F8 factor = V::Set(factors[i]);
      int e = 0;
      for (; e + kGroup <= count; e += kGroup) V::Store(s + e, V::Mul(V::Load(s + e), factor));
      for (; e < count; ++e) s[e] *= factors[i];
    }
  }

  static void Squash(const CapsView& view, const float* const* acc, int parts, float factor,
                     float* out) {
    const size_t size = static_cast<size_t>(view.j) * view.e;
    size_t at = 0;
    for (; at + kGroup <= size; at += kGroup) {
      F8 rows[kGroup];
      XNCAPS_UNROLL8(i) rows[i] = V::Load(acc[0] + (at + i) * kGroup);
      for (int part = 1; part < parts; ++part)
        XNCAPS_UNROLL8(i) rows[i] = V::Add(rows[i], V::Load(acc[part] + (at + i) * kGroup));
      V::Store(out + at, V::Mul(V::Sums8(rows), V::Set(factor)));
    }
    for (; at < size; ++at) {
      float sum = 0;
      for (int part = 0; part < parts; ++part) {
        for (int i = 0; i < kGroup; ++i) sum += acc[part][at * kGroup + i];
      }
      out[at] = sum * factor;
    }
    for (int j = 0; j < view.j; j += kGroup) SquashRows(view, j, out);
  }
};

}  // namespace
}  // namespace xncaps

#endif  // XNCAPS_KERNELS_CAPS_TURN_H_
