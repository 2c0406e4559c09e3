#pragma once

#include <cstddef>
#include <string_view>

#include "messages/message.hpp"

// Links that carry no messages of ours but the bytes of a plain TCP connection, for protocols of others. Whoever owns
// such a link speaks that protocol; the kernel knows only that bytes come and go.
//
//   stream = *( A:StreamBytes + payload | B:StreamBytes + payload )

namespace tutti {

/// The next bytes of the stream are the payload. Where one such message ends says nothing.
struct StreamBytes {
  TUTTI_MESSAGE(StreamBytes, 0x000a);
};

using ByteStreamMessages = Messages<StreamBytes>;

/// The other side of a byte stream.
struct ByteStreamRole {
  static constexpr std::string_view name = "byte_stream";
  using Accepts = ByteStreamMessages;
  using Says = ByteStreamMessages;
  static constexpr std::size_t frame_bytes = 64U << 10U;
};

}  // namespace tutti
