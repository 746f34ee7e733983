// The delegate itself: options, which nodes it claims, its kernels' life.
#ifndef XNCAPS_DELEGATE_DELEGATE_H_
#define XNCAPS_DELEGATE_DELEGATE_H_

#include "delegate/tflite_abi.h"

namespace xncaps {

struct DelegateOptions {
  int num_threads = 0;        // 0: what the interpreter recommends, at least 1
  int verbose = 0;            // 1: says on stderr what it claims and which kernels it runs
  int keep_builtins = 0;      // 1: claims its own ops alone
  const char* isa = nullptr;  // null: XNCAPS_ISA, else the best of this machine
};

// Null on a bad option or without memory; `report_error` (may be null) then gets one line.
tflite::TfLiteDelegate* CreateDelegate(const DelegateOptions& options,
                                       void (*report_error)(const char*));
void DeleteDelegate(tflite::TfLiteDelegate* delegate);
// How many nodes of the last graph it has taken over; -1 before there was one.
int ClaimedNodes(const tflite::TfLiteDelegate* delegate);

}  // namespace xncaps

#endif  // XNCAPS_DELEGATE_DELEGATE_H_
