// The entry of a libFuzzer program, which has one target.

#include "tests/fuzz/target.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  tutti::fuzz::targets().front().run({data, size});
  return 0;
}
