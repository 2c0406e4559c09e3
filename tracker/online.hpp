#pragma once

#include <vector>

#include "tracker/directory.hpp"
#include "tracker/presence.hpp"

namespace tutti {

/// The clients on which a user is logged in and heard of. A presence may be a moment older than a logout, so both count.
std::vector<const PresentClient*> clients_online(const Directory& directory, const Presence& presence,
                                                 const Uid& uid);

/// Tells the directory whether a user is online: whenever one of its clients is heard of or fades, and when a session
/// of such a client begins or ends.
void note_online(Directory& directory, const Presence& presence, const Uid& uid);
/// The same after an operation, for those whom it is about.
void note_online(Directory& directory, const Presence& presence, const Operation& operation);

}  // namespace tutti
