// For arm_count.py: one function for each way in which a block of counts becomes output, out of
// line so that its instructions can be counted. Never linked into anything.
#include "kernels/lce_neon.cc"

extern "C" {

void xncaps_output_float(const uint16_t* counts, const xncaps::BconvView* view, size_t at,
                         float* out) {
  const xncaps::TailView none = {};
  xncaps::Spot spot = {};
  spot.at = at, spot.count = xncaps::Neon::kBlock;
  xncaps::WriteFloats<xncaps::Neon, 1>(*view, none, counts, spot, out);
}

void xncaps_output_int8(const uint16_t* counts, const xncaps::BconvView* view, size_t at,
                        int8_t* out) {
  xncaps::Neon::Int8Block(counts, *view, at, out);
}

uint32_t xncaps_output_bits(const uint16_t* counts, const xncaps::BconvView* view, size_t at) {
  return xncaps::Neon::BitBlock(counts, *view, at);
}

}  // extern "C"
