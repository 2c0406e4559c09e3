#pragma once

#include "messages/bytes.hpp"

namespace tutti {

/// An encoded message as a recording may keep it: `***` stands for every password, and zeros for the secret of a sealed
/// door. Everything else is as it was, session tokens too. Of a message that carries one of these but cannot be decoded nothing
/// is kept.
Bytes without_passwords(ByteView body);

}  // namespace tutti
