// What making a layer ready, or running it, can come to.
#ifndef XNCAPS_KERNELS_STATUS_H_
#define XNCAPS_KERNELS_STATUS_H_

namespace xncaps {

enum class [[nodiscard]] Status{
    kOk,
    kTooLarge,  // a size cannot be addressed
    kNoMemory,
    kOverLimit,  // it would take more memory than a file may make us take
    kTooSmall,   // a tensor has fewer bytes than would be touched: nothing was
};

}  // namespace xncaps

#endif  // XNCAPS_KERNELS_STATUS_H_
