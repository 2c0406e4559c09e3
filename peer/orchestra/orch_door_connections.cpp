// The door's part that deals with connections that come in.

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "actors/context.hpp"
#include "peer/orchestra/orch_door.hpp"
#include "peer/orchestra/orch_words.hpp"

namespace tutti {

void OrchDoor::on(const LinkUp& up, Context& context) {
  if (leaving_ || !make_room_for(up.peer, context)) return context.close(up.link);
  Connection& connection = connections_.emplace(up.link, Connection{up.peer}).first->second;
  if (only_) return admit(up.link, connection, *only_, context);
  connection.overdue = context.after(patience, CallerOverdue{up.link});
}

void OrchDoor::on(const CallerOverdue& overdue, Context& context) { hang_up(overdue.link, context); }

/// Of one that has not said yet which file it is about.
void OrchDoor::hang_up(Address link, Context& context) {
  const auto connection = connections_.find(link);
  if (connection == connections_.end() || connection->second.peer.address.value != 0) return;
  context.cancel(connection->second.overdue);
  context.close(link);
  connections_.erase(connection);
}

void OrchDoor::admit(Address link, Connection& connection, const FileKey& file, Context& context) {
  context.cancel(connection.overdue);
  OrchPeerOptions options;
  options.endpoint = connection.host;
  options.accepted = {link};
  connection.file = file;
  connection.peer = context.spawn<OrchPeerRole>(
      fmt::format("orch_peer {}", connection.host),
      std::make_unique<OrchPeer>(std::move(options), offers_.at(file).share(),
                                 Ref<OrchDoorRole>{context.self()}, others_.scheduler));
  links_.emplace(connection.peer.address, link);
}

void OrchDoor::on(const StreamBytes&, Context& context) {
  const auto found = connections_.find(context.sender());
  if (found == connections_.end()) return;
  Connection& connection = found->second;
  if (connection.peer.address.value == 0) {
    const Payload bytes(context.payload());
    return greet(found->first, connection, bytes.view(), context);
  }
  context.send(connection.peer, StreamCame{}, context.payload());
}

/// Hears which file it is about. What is not here is answered as by an original that shares something else.
void OrchDoor::greet(Address link, Connection& connection, ByteView bytes, Context& context) {
  while (const auto question = connection.greeting.take(bytes)) {
    const auto offer = std::find_if(offers_.begin(), offers_.end(), [&](const auto& each) {
      return each.second.share()->name == question->name && each.second.share()->sha1 == question->sha1;
    });
    if (offer != offers_.end()) {
      admit(link, connection, offer->first, context);
      context.send(connection.peer, StreamCame{}, orch_payload(orch_down(question->name, question->sha1)));
      if (!bytes.empty())
        context.send(connection.peer, StreamCame{}, Payload::own(Bytes(bytes.begin(), bytes.end())));
      return;
    }
    if (++connection.refused > refused_max) break;
    context.answer(link, StreamBytes{}, orch_payload(orch_none(question->name, question->sha1, 0)));
  }
  if (connection.greeting.failed() || connection.refused > refused_max) hang_up(link, context);
}

void OrchDoor::on(const LinkDown& down, Context& context) {
  const auto connection = connections_.find(down.link);
  if (connection == connections_.end()) return;
  if (connection->second.peer.address.value == 0) {
    context.cancel(connection->second.overdue);
    connections_.erase(connection);
  } else {
    context.send(connection->second.peer, StreamOver{});
  }
}

void OrchDoor::on(const ActorStopped& stopped, Context& context) {
  const auto link = links_.extract(stopped.actor);
  if (!link) return;
  context.close(link.mapped());
  connections_.erase(link.mapped());
  forget(stopped.actor, context);
  if (leaving_ && connections_.empty()) context.goodbye();
}

void OrchDoor::end_peer(Connection& connection, Context& context) {
  if (connection.peer.address.value != 0 && !std::exchange(connection.ends, true))
    context.stop(connection.peer.address);
}

/// Ends the oldest connection of this address to which nothing is on its way, if there are too many. False: all are busy.
bool OrchDoor::make_room_for(const std::string& host, Context& context) {
  std::size_t known = 0;
  auto idle = connections_.end();
  for (auto each = connections_.begin(); each != connections_.end(); ++each) {
    const Connection& connection = each->second;
    if (connection.host != host || connection.ends) continue;
    ++known;
    const auto asker = askers_.find(connection.peer.address);
    const bool waits =
        asker != askers_.end() &&
        (asker->second.reading > 0 || !asker->second.waiting.empty() || asker->second.sent.outstanding() > 0);
    if (!waits && idle == connections_.end()) idle = each;
  }
  if (known < options_.connections_of_host) return true;
  if (idle == connections_.end()) return false;
  if (idle->second.peer.address.value != 0) {
    end_peer(idle->second, context);
  } else {
    hang_up(idle->first, context);
  }
  return true;
}

}  // namespace tutti
