// A product that is rounded before it is added to: compilers may else make one fused operation of
// both where the machine has it, and int8 results would differ from machine to machine.
#ifndef XNCAPS_KERNELS_ROUNDED_H_
#define XNCAPS_KERNELS_ROUNDED_H_

namespace xncaps {
namespace {

template <typename T>
static inline __attribute__((always_inline)) T Rounded(T x) {
#if defined(__x86_64__)
  __asm__("" : "+x"(x));
#elif defined(__aarch64__) || (defined(__arm__) && defined(__ARM_FP))
  __asm__("" : "+w"(x));
#else
  __asm__("" : "+m"(x));
#endif
  return x;
}

}  // namespace
}  // namespace xncaps

#endif  // XNCAPS_KERNELS_ROUNDED_H_
