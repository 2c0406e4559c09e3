#pragma once

#include "messages/bytes.hpp"

namespace tutti {

/// The public key by which signatures are checked (Ed25519).
using SigningKey = FixedBytes<struct SigningKeyTag, 32>;
/// An Ed25519 signature.
using Signature = FixedBytes<struct SignatureTag, 64>;

}  // namespace tutti
