// Whether the TFLite that the delegate finds itself in is one whose structs tflite_abi.h declares.
#ifndef XNCAPS_DELEGATE_HOST_CHECK_H_
#define XNCAPS_DELEGATE_HOST_CHECK_H_

#include "delegate/tflite_abi.h"

namespace xncaps {

// A host does not say its version to a delegate. What is checked is what its structs have to be
// like where they are laid out as declared: counts within bounds, enums that are known, flags of 0
// or 1, indices of tensors that there are, bytes that are those of shape and type. From the context
// inwards, no pointer is followed before what lies beside it has been found right. Null: all fits;
// else what does not, for a message.
const char* StrangeHost(tflite::TfLiteContext* context);

// After nodes were replaced: whether the host has kept our registration as we gave it. Null: yes.
const char* StrangeReplacement(tflite::TfLiteContext* context,
                               const tflite::TfLiteDelegate* delegate,
                               const tflite::TfLiteRegistration& registration);

}  // namespace xncaps

#endif  // XNCAPS_DELEGATE_HOST_CHECK_H_
