#pragma once

#include "messages/bytes.hpp"

namespace tutti {

/// Names a pass; not secret.
using SealedPassId = FixedBytes<struct SealedPassIdTag, 16>;
/// What only the two who know a pass know. All keys of the links that come by it are derived from this.
using SealedSecret = FixedBytes<struct SealedSecretTag, 32>;

/// What somebody comes in by at a sealed door. It is told over a link that has proven who hears it, so whoever has it is
/// that one; good for any number of links until it is revoked.
struct SealedPass {
  SealedPassId id;
  SealedSecret secret;
  bool operator==(const SealedPass&) const = default;
};

}  // namespace tutti
