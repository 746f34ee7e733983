// What making a layer ready can come to.
#ifndef XNCAPS_KERNELS_STATUS_H_
#define XNCAPS_KERNELS_STATUS_H_

namespace xncaps {

enum class Status { kOk, kTooLarge, kNoMemory };

}  // namespace xncaps

#endif  // XNCAPS_KERNELS_STATUS_H_
