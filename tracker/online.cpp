#include "tracker/online.hpp"

namespace tutti {

std::vector<const PresentClient*> clients_online(const Directory& directory, const Presence& presence,
                                                 const Uid& uid) {
  std::vector<const PresentClient*> online = presence.clients_of(uid);
  std::erase_if(online, [&](const PresentClient* each) {
    const std::optional<Session> session = directory.open_session(each->client);
    return !session || session->uid != uid || session->generation != each->generation;
  });
  return online;
}

void note_online(Directory& directory, const Presence& presence, const Uid& uid) {
  directory.user_is(uid, !clients_online(directory, presence, uid).empty());
}

void note_online(Directory& directory, const Presence& presence, const Operation& operation) {
  const auto note = [&](const ClientKey& client) {
    if (const PresentClient* present = presence.find(client)) note_online(directory, presence, present->uid);
  };
  if (const auto* opened = operation.get<SessionOpened>()) note(opened->client);
  if (const auto* set = operation.get<PasswordSet>()) note_online(directory, presence, set->uid);
  if (const auto* closed = operation.get<SessionClosed>()) note(closed->client);
}

}  // namespace tutti
