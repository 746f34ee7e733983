// For arm_count.py: one function for each way in which a block of counts becomes output, out of
// line so that its instructions can be counted. Never linked into anything.
#include "kernels/lce_neon.cc"

extern "C" {

// What WriteFloats does of a block that nothing follows; that itself is a call of up to four
// blocks.
void xncaps_output_float(const uint16_t* counts, const xncaps::BconvView* view, size_t at,
                         float* out) {
  typedef xncaps::Neon Neon;
#pragma GCC unroll 4
  for (int c = 0; c < Neon::kBlock; c += Neon::kFloats) {
    const size_t channel = at + static_cast<size_t>(c);
    xncaps::StoreFloats(out + c, Neon::Transformed(counts + c, *view, channel));
  }
}

void xncaps_output_int8(const uint16_t* counts, const xncaps::BconvView* view, size_t at,
                        int8_t* out) {
  xncaps::Neon::Int8Block(counts, *view, at, out);
}

uint32_t xncaps_output_bits(const uint16_t* counts, const xncaps::BconvView* view, size_t at) {
  return xncaps::Neon::BitBlock(counts, *view, at);
}

}  // extern "C"
