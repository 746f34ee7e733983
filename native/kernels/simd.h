// What simd_*.h have in common: each is a struct of one instruction set's vectors, eight floats
// (F8) and 32 bytes (B32), with the same operations, and the capsule kernels are templates over it.
// In unnamed namespaces: nothing compiled with one file's flags can be taken for another's.
#ifndef XNCAPS_KERNELS_SIMD_H_
#define XNCAPS_KERNELS_SIMD_H_

#define XNCAPS_INLINE static inline __attribute__((always_inline))

#endif  // XNCAPS_KERNELS_SIMD_H_
