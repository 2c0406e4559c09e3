#pragma once

#include <cstddef>

namespace tutti {

/// Lets this process have as many files and connections open at once as it may, 65,536 at most, and says how many those are.
/// libzmq's thread that accepts connections runs in circles while there are none left.
std::size_t raise_descriptor_limit();

}  // namespace tutti
