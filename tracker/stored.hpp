#pragma once

#include <cstdint>

#include "messages/codec.hpp"

namespace tutti {

/// For what a store reads back: it was written here, so the only limit is the reader's own need.
inline constexpr DecodeLimits stored{
    .frame_bytes = SIZE_MAX >> 1U, .list_items = SIZE_MAX >> 8U, .depth = 16};

}  // namespace tutti
