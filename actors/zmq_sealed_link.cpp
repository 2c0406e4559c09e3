#include "actors/zmq_sealed_link.hpp"

#include <algorithm>

#include "actors/log.hpp"

namespace tutti {

namespace {

/// What is opened at a time, before it is handed on: more of it would be out of the caches by then.
constexpr std::size_t opened_at_a_time = 1U << 20U;

std::size_t size_of(const Frames& frames) {
  std::size_t bytes = 0;
  for (const zmq::message_t& part : frames.parts) bytes += part.size();
  return bytes;
}

/// A sealed payload: memory of its own, and what counts the bytes that it was made of.
struct SealedPayload {
  explicit SealedPayload(const Payload& payload)
      : bytes(std::make_unique_for_overwrite<std::uint8_t[]>(payload.size() + SealedChannel::tag_bytes)),
        counter(payload.counter()) {}
  std::unique_ptr<std::uint8_t[]> bytes;
  std::shared_ptr<const void> counter;
};

}  // namespace

// --- SealedConversation -----------------------------------------------------------------------------------------

SealedConversation::SealedConversation(const SealedPass& pass, const SealedRandom& dialler,
                                       const SealedRandom& door, Side side)
    : ours_(pass, dialler, door,
            side == Side::dialler ? SealedChannel::Direction::to_door : SealedChannel::Direction::to_dialler),
      theirs_(
          pass, dialler, door,
          side == Side::dialler ? SealedChannel::Direction::to_dialler : SealedChannel::Direction::to_door) {}

std::vector<zmq::message_t> SealedConversation::seal(ByteView body, const Payload& payload) {
  std::vector<zmq::message_t> frames;
  zmq::message_t& head = frames.emplace_back(body.size() + SealedChannel::tag_bytes);
  ours_.seal(payload.empty() ? SealedFrame::alone : SealedFrame::head, body,
             static_cast<std::uint8_t*>(head.data()));
  if (payload.empty()) return frames;
  auto* sealed = new SealedPayload(payload);  // freed by libzmq, on whichever thread is done last
  ours_.seal(SealedFrame::payload, payload.view(), sealed->bytes.get());
  frames.emplace_back(
      sealed->bytes.get(), payload.size() + SealedChannel::tag_bytes,
      [](void*, void* hint) { delete static_cast<SealedPayload*>(hint); }, sealed);
  return frames;
}

std::optional<SealedConversation::Said> SealedConversation::open(std::span<zmq::message_t> frames) {
  if (frames.empty() || frames.size() > 2) return std::nullopt;
  const auto opens = [&](SealedFrame kind, zmq::message_t& frame) {
    return theirs_.open(kind, {static_cast<std::uint8_t*>(frame.data()), frame.size()});
  };
  if (!opens(frames.size() == 1 ? SealedFrame::alone : SealedFrame::head, frames[0])) return std::nullopt;
  if (frames.size() == 2 && !opens(SealedFrame::payload, frames[1])) return std::nullopt;
  const ByteView body = view_of_frame(frames[0]).first(frames[0].size() - SealedChannel::tag_bytes);
  Said said{{body.begin(), body.end()}, {}};
  if (frames.size() == 2) said.payload = payload_of(std::move(frames[1]), SealedChannel::tag_bytes);
  return said;
}

// --- SealedDialledLink ------------------------------------------------------------------------------------------

SealedDialledLink::SealedDialledLink(LinkOwner& worker, const ZmqHostOptions& options, Address self,
                                     Address owner, const Door& door, std::string endpoint)
    : ZmqLink(worker, options, self, owner, door),
      endpoint_(std::move(endpoint)),
      pause_(options.dial_pause) {
  dial();
}

SealedDialledLink::~SealedDialledLink() { close_socket(); }

void SealedDialledLink::dial() {
  dialled_ = worker_.now();
  try {
    make_socket(zmq::socket_type::dealer, SealedChannel::tag_bytes);
    socket_.set(zmq::sockopt::reconnect_ivl, -1);
    socket_.set(zmq::sockopt::immediate, true);
    watch_events(ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED, ++dials_);
    socket_.connect(tcp_endpoint(endpoint_));
  } catch (const zmq::error_t&) {
    // No descriptors are left, or a name does not resolve: this attempt is over when its time is.
  }
  worker_.sockets_changed();
}

void SealedDialledLink::end(LinkLoss loss) {
  const bool was_up = is_up();
  conversation_.reset();
  hello_.reset();
  close_socket();
  worker_.sockets_changed();
  dial_at_ = worker_.now() + pause_;
  pause_ = std::min<Duration>(2 * pause_, options_.sealed_pause_max);
  if (was_up) say_down(self_, loss);
}

void SealedDialledLink::shake_hands() {
  SealedRandom random;
  worker_.fill_secret(random.bytes);
  hello_ = make_hello(door_.pass, random);
  // Takes in the new connection, which sending alone may put off for a moment.
  static_cast<void>(socket_.get(zmq::sockopt::events));
  if (!send_frames(nullptr, hello_->bytes(), {})) end(LinkLoss::disconnected);
}

void SealedDialledLink::hear_welcome(const zmq::message_t& frame) {
  const std::optional<SealedWelcome> welcome = SealedWelcome::parse(view_of_frame(frame));
  if (!welcome || !hello_ || !is_proven(*welcome, door_.pass, *hello_)) return end(LinkLoss::disconnected);
  conversation_.emplace(door_.pass, hello_->random, welcome->random, SealedConversation::Side::dialler);
  faults_ = 0;
  pings_ = {};
  up_since_ = last_heard_ = last_said_ = worker_.now();
  say_up(self_, Address{}, endpoint_, door_.expected);
}

void SealedDialledLink::read_monitor() {
  while (const int event = next_event()) {
    if (event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED && !hello_) {
      shake_hands();
    } else if (event == ZMQ_EVENT_DISCONNECTED) {
      while (receive()) {  // what was said before the end still counts
      }
      if (socket_.handle() != nullptr) end(LinkLoss::disconnected);
    }
  }
}

bool SealedDialledLink::receive() {
  std::size_t bytes = 0;
  for (int i = 0; i < receive_batch && bytes < opened_at_a_time; ++i) {
    if (socket_.handle() == nullptr) return false;
    std::optional<Frames> frames = receive_frames(socket_);
    if (!frames) return false;
    bytes += size_of(*frames);
    take(std::move(*frames));
  }
  return true;
}

void SealedDialledLink::take(Frames frames) {
  if (!is_up()) {
    if (frames.parts.size() != 1) return end(LinkLoss::disconnected);
    return hear_welcome(frames.parts[0]);
  }
  std::optional<SealedConversation::Said> said;
  if (!frames.too_many) said = conversation_->open(frames.parts);
  if (!said) return end(LinkLoss::disconnected);
  last_heard_ = worker_.now();
  const MessageId id = peek_message_id(said->body);
  if (id == LinkPong::message_id) {
    for (int answered = pings_.ponged(); answered > 0; --answered) say_echo();
  } else if (!says(id)) {
    blame(self_, "a message that it may not say: " + std::to_string(id.value));
  } else {
    hand_in(self_, std::move(said->body), std::move(said->payload));
  }
  if (is_up() && conversation_->bytes() >= options_.sealed_bytes_max) {
    pause_ = {};  // nothing is wrong: only the keys have been used enough
    end(LinkLoss::disconnected);
    pause_ = options_.dial_pause;
  }
}

bool SealedDialledLink::say(ByteView body, const Payload& payload) {
  if (!is_up()) return false;
  std::vector<zmq::message_t> frames = conversation_->seal(body, payload);
  if (send_frames(nullptr, frames)) {
    last_said_ = worker_.now();
    return true;
  }
  // What was sealed and is not sent has used up its number.
  end(LinkLoss::disconnected);
  return false;
}

void SealedDialledLink::send(Address, const Bytes& body, const Payload& payload) { say(body, payload); }

void SealedDialledLink::blame(Address, const std::string& fault) {
  if (!is_up()) return;
  if (faults_ == 0)
    log_warning(std::string(door_.role) + " at " + endpoint_ + " said what it may not: " + fault);
  if (++faults_ >= faults_before_giving_up) end(LinkLoss::misbehaved);
}

void SealedDialledLink::keep_house(Instant awake_since) {
  const Instant now = worker_.now();
  if (is_up()) {
    if (now - up_since_ >= options_.sealed_pause_max) pause_ = options_.dial_pause;
    if (now - std::max(last_heard_, awake_since) >= options_.silent_after) return end(LinkLoss::silent);
    if (now - last_heard_ >= options_.ping_after || now - last_said_ >= options_.ping_after) ping();
  } else if (socket_.handle() != nullptr) {
    if (now - std::max(dialled_, awake_since) >= options_.redial_after) end(LinkLoss::unreachable);
  } else if (now >= dial_at_) {
    dial();
    if (socket_.handle() == nullptr) end(LinkLoss::unreachable);
  }
}

bool SealedDialledLink::ping() {
  if (!say(ping_frame(), {})) return false;
  pings_.pinged();
  return true;
}

void SealedDialledLink::probe() {
  if (ping()) pings_.probed();
}

// --- SealedDoorLink ---------------------------------------------------------------------------------------------

SealedDoorLink::SealedDoorLink(LinkOwner& worker, const ZmqHostOptions& options, Address self, Address owner,
                               const Door& door, const std::string& endpoint)
    : ZmqLink(worker, options, self, owner, door) {
  make_socket(zmq::socket_type::router, SealedChannel::tag_bytes);
  socket_.set(zmq::sockopt::router_mandatory, true);
  socket_.set(zmq::sockopt::backlog, connections_waiting_max);
  watch_.emplace(worker_.zmq_context(), socket_, std::to_string(self_.value), options_.connections);
  socket_.bind(tcp_endpoint(endpoint));
  worker_.sockets_changed();
}

SealedDoorLink::~SealedDoorLink() {
  for (const auto& [address, routing_id] : routing_ids_) worker_.peer_forgotten({address});
  watch_.reset();
  close_socket();
}

void SealedDoorLink::admit_pass(const LinkKey& key, const SealedPass& pass) {
  if (passes_.size() < options_.peers_per_door) passes_.try_emplace(pass.id, Pass{pass, key, {}});
}

void SealedDoorLink::revoke_pass(const SealedPassId& id) {
  const auto pass = passes_.find(id);
  if (pass == passes_.end()) return;
  for (const std::string& link : std::vector<std::string>(pass->second.links)) end(link, LinkLoss::closed);
  passes_.erase(pass);
}

bool SealedDoorLink::receive() {
  std::size_t bytes = 0;
  for (int i = 0; i < receive_batch && bytes < opened_at_a_time; ++i) {
    std::optional<Frames> frames = receive_frames(socket_);
    if (!frames) return false;
    bytes += size_of(*frames);
    take(std::move(*frames));
  }
  return true;
}

void SealedDoorLink::take(Frames frames) {
  if (frames.parts.size() < 2) return;
  const std::string routing_id = frames.parts[0].to_string();
  const auto found = peers_.find(routing_id);
  if (found == peers_.end()) {
    if (frames.parts.size() == 2) shake_hands(routing_id, frames.parts[1]);
    return;
  }
  Peer& peer = found->second;
  std::optional<SealedConversation::Said> said;
  if (!frames.too_many) said = peer.conversation.open(std::span(frames.parts).subspan(1));
  // A dialler makes itself new keys long before.
  if (!said || peer.conversation.bytes() / 2 >= options_.sealed_bytes_max)
    return end(routing_id, LinkLoss::disconnected);
  peer.last_heard = worker_.now();
  if (peer.address.value == 0) {
    peer.connection = watch_->heard(frames.parts[1], worker_.now());
    let_in(routing_id, peer);
  }
  const Address from = peer.address;
  const MessageId id = peek_message_id(said->body);
  if (id == LinkPing::message_id) {
    if (!say(routing_id, peer, pong_frame(), {})) end(routing_id, LinkLoss::disconnected);
    return;
  }
  if (!says(id)) return blame(from, "a message that it may not say: " + std::to_string(id.value));
  hand_in(from, std::move(said->body), std::move(said->payload));
}

void SealedDoorLink::shake_hands(const std::string& routing_id, const zmq::message_t& frame) {
  const std::optional<SealedHello> hello = SealedHello::parse(view_of_frame(frame));
  const auto pass = hello ? passes_.find(hello->pass) : passes_.end();
  if (pass == passes_.end() || !is_proven(*hello, pass->second.pass) || !make_room(pass->second)) return;
  SealedRandom random;
  worker_.fill_secret(random.bytes);
  if (!send_frames(&routing_id, make_welcome(pass->second.pass, *hello, random).bytes(), {})) return;
  pass->second.links.push_back(routing_id);
  peers_.emplace(routing_id, Peer{hello->pass, host_of(frame),
                                  SealedConversation(pass->second.pass, hello->random, random,
                                                     SealedConversation::Side::door),
                                  worker_.now()});
}

bool SealedDoorLink::make_room(Pass& pass) {
  if (pass.links.size() < links_a_pass_max) return true;
  const auto half_open = std::find_if(pass.links.begin(), pass.links.end(), [&](const std::string& link) {
    return peers_.at(link).address.value == 0;
  });
  if (half_open == pass.links.end()) return false;
  end(std::string(*half_open), LinkLoss::closed);
  return true;
}

void SealedDoorLink::let_in(const std::string& routing_id, Peer& peer) {
  peer.address = worker_.fresh_address();
  routing_ids_.emplace(peer.address.value, routing_id);
  worker_.peer_known(peer.address, self_);
  worker_.named(peer.address, std::string(door_.role) + "@" + peer.host);
  say_up(peer.address, self_, peer.host, passes_.at(peer.pass).key);
}

bool SealedDoorLink::say(const std::string& routing_id, Peer& peer, ByteView body, const Payload& payload) {
  std::vector<zmq::message_t> frames =
      peer.conversation.seal(body, payload.empty() ? payload : peer.untaken.measured(payload));
  return send_frames(&routing_id, frames);
}

void SealedDoorLink::send(Address to, const Bytes& body, const Payload& payload) {
  const auto found = routing_ids_.find(to.value);
  if (found == routing_ids_.end()) return;
  const std::string routing_id = found->second;
  if (!say(routing_id, peers_.at(routing_id), body, payload)) end(routing_id, LinkLoss::disconnected);
}

void SealedDoorLink::end(const std::string& routing_id, LinkLoss loss, bool tell_owner) {
  const auto ended = peers_.extract(routing_id);
  if (!ended) return;
  const Peer& peer = ended.mapped();
  std::erase(passes_.at(peer.pass).links, routing_id);
  const bool spoke = peer.address.value != 0;  // the connections of others are mute, and end as such
  if (peer.untaken.outstanding_bytes() > 0 || (loss == LinkLoss::silent && spoke)) {
    watch_->hang_up_on(peer.connection);
  } else {
    send_frames(&routing_id, Bytes(1), {});
  }
  watch_->given_up(peer.connection, worker_.now());
  if (peer.address.value == 0) return;
  routing_ids_.erase(peer.address.value);
  worker_.peer_forgotten(peer.address);
  if (tell_owner) say_down(peer.address, loss);
}

void SealedDoorLink::blame(Address from, const std::string& fault) {
  const auto found = routing_ids_.find(from.value);
  if (found == routing_ids_.end()) return;
  const std::string routing_id = found->second;
  Peer& sender = peers_.at(routing_id);
  if (sender.faults == 0)
    log_warning(std::string(door_.role) + " at " + sender.host + " said what it may not: " + fault);
  if (++sender.faults < faults_before_giving_up) return;
  const SealedPassId pass = sender.pass;
  end(routing_id, LinkLoss::misbehaved);
  revoke_pass(pass);
}

void SealedDoorLink::keep_house(Instant awake_since) {
  const Instant now = worker_.now();
  watch_->keep_house(now, awake_since);
  std::vector<std::string> silent;
  for (const auto& [routing_id, peer] : peers_) {
    const Duration patience =
        peer.address.value == 0 ? options_.redial_after : options_.silent_after + options_.ping_after;
    if (now - std::max(peer.last_heard, awake_since) >= patience) silent.push_back(routing_id);
  }
  for (const std::string& routing_id : silent) end(routing_id, LinkLoss::silent);
}

bool SealedDoorLink::close_peer(Address peer) {
  const auto found = routing_ids_.find(peer.value);
  if (found == routing_ids_.end()) return false;
  end(std::string(found->second), LinkLoss::closed, false);
  return true;
}

std::optional<Outflow> SealedDoorLink::outflow(Address peer) const {
  const auto found = routing_ids_.find(peer.value);
  return found == routing_ids_.end() ? std::nullopt : watch_->outflow(peers_.at(found->second).connection);
}

std::vector<Address> SealedDoorLink::peers() const {
  std::vector<Address> all;
  for (const auto& [address, routing_id] : routing_ids_) all.push_back({address});
  return all;
}

}  // namespace tutti
