#include "tests/fuzz/target.hpp"

namespace tutti::fuzz {

std::vector<Target>& targets() {
  static std::vector<Target> all;
  return all;
}

}  // namespace tutti::fuzz
