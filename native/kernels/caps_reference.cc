// The capsule layers as their definition reads: obvious loops, double precision, no packing.
#include <math.h>

#include "kernels/caps.h"
#include "kernels/half.h"

namespace xncaps {
namespace {

double Constant(const void* data, bool half, size_t index) {
  if (half) return HalfToFloat(LoadUnaligned<uint16_t>(data, index));
  return LoadUnaligned<float>(data, index);
}

double Sign(double x) { return x > 0 ? 1.0 : -1.0; }

double ScaleOf(const CapsParams& p, const CapsConstants& c, size_t n, size_t j, size_t e) {
  if (p.scale == ScaleMode::kNone) return 1.0;
  const size_t nj = n * p.j + j;
  return Constant(c.scale, p.half_scale, p.scale == ScaleMode::kCapsule ? nj : nj * p.e + e);
}

// u_hat[n,j,e] of one item.
double Uhat(const CapsParams& p, const CapsConstants& c, const float* u, size_t n, size_t j,
            size_t e) {
  const float* un = u + n * p.d;
  double sum = 0, mean_abs = 0;
  for (int d = 0; d < p.d; ++d) {
    if (p.type == CapsType::kOdr) {
      const size_t bytes = (p.d + 7) / 8;
      const uint8_t byte =
          LoadUnaligned<uint8_t>(c.bits, ((n * p.j + j) * p.e + e) * bytes + d / 8);
      sum += Sign(un[d]) * ((byte >> (d % 8)) & 1 ? 1.0 : -1.0);
      mean_abs += fabs(static_cast<double>(un[d])) / p.d;
    } else {
      sum += un[d] * Constant(c.kernel, p.half_kernel, ((n * p.j + j) * p.d + d) * p.e + e);
    }
  }
  return p.type == CapsType::kOdr ? sum * mean_abs * ScaleOf(p, c, n, j, e) : sum;
}

double Agreement(const CapsParams& p, const double* uhat, const double* v) {
  double dot = 0, signs = 0, mean_u = 0, mean_v = 0;
  for (int e = 0; e < p.e; ++e) {
    dot += uhat[e] * v[e];
    signs += Sign(uhat[e]) * Sign(v[e]);
    mean_u += fabs(uhat[e]) / p.e;
    mean_v += fabs(v[e]) / p.e;
  }
  return p.type == CapsType::kIdr ? signs * mean_u * mean_v : dot;
}

void Softmax(const double* logits, int size, double* c) {
  double largest = logits[0], sum = 0;
  for (int j = 1; j < size; ++j) largest = logits[j] > largest ? logits[j] : largest;
  for (int j = 0; j < size; ++j) sum += c[j] = exp(logits[j] - largest);
  for (int j = 0; j < size; ++j) c[j] /= sum;
}

void Squash(const double* s, int size, double* v) {
  double n2 = 0;
  for (int e = 0; e < size; ++e) n2 += s[e] * s[e];
  for (int e = 0; e < size; ++e) v[e] = s[e] * sqrt(n2) / (1 + n2);
}

void Item(const CapsParams& p, const double* uhat, double* logits, double* c, double* s,
          double* v) {
  const size_t je = static_cast<size_t>(p.j) * p.e;
  for (size_t i = 0; i < static_cast<size_t>(p.n) * p.j; ++i) logits[i] = 0;
  for (int turn = 0; turn < p.r; ++turn) {
    for (size_t i = 0; i < je; ++i) s[i] = 0;
    for (int n = 0; n < p.n; ++n) {
      Softmax(logits + static_cast<size_t>(n) * p.j, p.j, c);
      for (size_t i = 0; i < je; ++i) s[i] += c[i / p.e] * uhat[n * je + i];
    }
    for (int j = 0; j < p.j; ++j)
      Squash(s + static_cast<size_t>(j) * p.e, p.e, v + static_cast<size_t>(j) * p.e);
    if (turn == p.r - 1) break;
    for (int n = 0; n < p.n; ++n) {
      for (int j = 0; j < p.j; ++j) {
        const size_t at = static_cast<size_t>(j) * p.e;
        logits[static_cast<size_t>(n) * p.j + j] += Agreement(p, uhat + n * je + at, v + at);
      }
    }
  }
}

}  // namespace

Status CapsReference(const CapsParams& p, const CapsConstants& constants, const float* u, int batch,
                     float* out) {
  const size_t je = static_cast<size_t>(p.j) * p.e;
  const size_t nj = static_cast<size_t>(p.n) * p.j;
  Buffer uhat, rest;
  if (!uhat.Reserve(p.n * je * sizeof(double))) return Status::kNoMemory;
  if (!rest.Reserve((nj + p.j + 2 * je) * sizeof(double))) return Status::kNoMemory;
  double* logits = rest.as<double>();
  double *c = logits + nj, *s = c + p.j, *v = s + je;
  for (int b = 0; b < batch; ++b) {
    const float* ub = u + static_cast<size_t>(b) * p.n * p.d;
    for (int n = 0; n < p.n; ++n) {
      for (size_t i = 0; i < je; ++i)
        uhat.as<double>()[n * je + i] = Uhat(p, constants, ub, n, i / p.e, i % p.e);
    }
    Item(p, uhat.as<double>(), logits, c, s, v);
    for (size_t i = 0; i < je; ++i) out[b * je + i] = static_cast<float>(v[i]);
  }
  return Status::kOk;
}

}  // namespace xncaps
