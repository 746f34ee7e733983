// What the graph of a file must be like before the delegate takes part in it.
#ifndef XNCAPS_DELEGATE_GRAPH_CHECK_H_
#define XNCAPS_DELEGATE_GRAPH_CHECK_H_

#include "delegate/tflite_abi.h"

namespace xncaps {

// Each tensor of a node that we claim is made by one node at most; an output is no constant of the
// file and is not read before it is made, so it is no input of the node itself. TFLite checks none
// of this: a tensor with two producers has the memory of the last one's shape, and a constant's may
// not be written to. Reports and returns kTfLiteError otherwise.
tflite::TfLiteStatus CheckGraph(tflite::TfLiteContext* context, const tflite::TfLiteIntArray* plan);

}  // namespace xncaps

#endif  // XNCAPS_DELEGATE_GRAPH_CHECK_H_
