#pragma once

#include "messages/bytes.hpp"

namespace tutti {

/// An encoded message as a recording for a replay may keep it: `***` stands for every password, and zeros for the secret of a
/// sealed door. Everything else is as it was, session tokens too. Of a message that carries one of these but cannot be decoded
/// nothing is kept.
Bytes without_passwords(ByteView body);

/// The same as any recording may keep it: without session tokens, for which zeros stand.
Bytes without_secrets(ByteView body);

/// An encoded message by which recorded and replayed ones are compared: without passwords, and without what an actor signs, as no
/// recording has the key of its process.
Bytes without_signatures(ByteView body);

}  // namespace tutti
