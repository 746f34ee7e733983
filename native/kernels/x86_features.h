// Which x86 processors the kernels of an instruction set run on: everything that the flags of
// kernels/CMakeLists.txt let the compiler use is looked for, since virtual machines hide single
// features. By hand: __builtin_cpu_supports needs libgcc's constructor, which Android's build does
// not have.
#ifndef XNCAPS_KERNELS_X86_FEATURES_H_
#define XNCAPS_KERNELS_X86_FEATURES_H_

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace xncaps {

// Registers as cpuid and xgetbv leave them; 0 where the processor does not have the leaf.
struct X86Features {
  unsigned leaf1_ecx = 0, leaf7_ebx = 0, leaf7_ecx = 0;
  unsigned saved = 0;  // registers that the system saves: XCR0
};

constexpr unsigned kFma = 1u << 12, kPopcnt = 1u << 23, kOsxsave = 1u << 27, kAvx = 1u << 28,
                   kF16c = 1u << 29;  // leaf1_ecx
constexpr unsigned kBmi1 = 1u << 3, kAvx2 = 1u << 5, kBmi2 = 1u << 8, kAvx512F = 1u << 16,
                   kAvx512Dq = 1u << 17, kAvx512Bw = 1u << 30, kAvx512Vl = 1u << 31;  // leaf7_ebx
constexpr unsigned kVpopcntdq = 1u << 14;                                             // leaf7_ecx
constexpr unsigned kSavedVectors = 0x06, kSavedAvx512 = 0xe6;                         // saved

inline bool AllOf(unsigned bits, unsigned wanted) { return (bits & wanted) == wanted; }

inline bool RunsAvx2(const X86Features& x) {
  return AllOf(x.leaf1_ecx, kFma | kPopcnt | kOsxsave | kAvx | kF16c) &&
         AllOf(x.saved, kSavedVectors) && AllOf(x.leaf7_ebx, kBmi1 | kAvx2 | kBmi2);
}

inline bool RunsAvx512(const X86Features& x) {
  return RunsAvx2(x) && AllOf(x.saved, kSavedAvx512) &&
         AllOf(x.leaf7_ebx, kAvx512F | kAvx512Dq | kAvx512Bw | kAvx512Vl) &&
         AllOf(x.leaf7_ecx, kVpopcntdq);
}

#if defined(__x86_64__)
// Of the processor that this runs on.
inline X86Features ReadX86Features() {
  X86Features x;
  unsigned a, b, c, d;
  if (!__get_cpuid(1, &a, &b, &c, &d)) return x;
  x.leaf1_ecx = c;
  if (AllOf(c, kOsxsave)) __asm__ volatile("xgetbv" : "=a"(x.saved), "=d"(d) : "c"(0));
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return x;
  x.leaf7_ebx = b;
  x.leaf7_ecx = c;
  return x;
}
#endif

}  // namespace xncaps

#endif  // XNCAPS_KERNELS_X86_FEATURES_H_
