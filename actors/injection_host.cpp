#include "actors/injection_host.hpp"

#include <algorithm>

#include "actors/ensure.hpp"

namespace tutti {

InjectionHost::InjectionHost(std::uint64_t seed) : random_(seed), troupe_(*this) {}
InjectionHost::~InjectionHost() = default;

Address InjectionHost::add_probe(std::string_view name) {
  const Address address = fresh_address();
  probes_.insert(address);
  named(address, name);
  return address;
}

void InjectionHost::spawn_at(Address at, std::string_view name, std::unique_ptr<Actor> actor) {
  troupe_.place(at, name, Address{}, std::move(actor));
  settle();
}

bool InjectionHost::stop(Address actor) {
  inject(Address{}, actor, StopActor{});
  return !troupe_.has(actor);
}

void InjectionHost::inject_encoded(Address from, Address to, MessageId id, Bytes body, Payload payload) {
  Envelope envelope{from, to, id, std::move(body), std::move(payload), false};
  if (const auto link = links_.find(from); link != links_.end()) {
    envelope.outside = true;
    const auto& says = link->second.says;
    if (std::find(says.begin(), says.end(), id) == says.end()) {
      faults_.push_back("the door of " + name_of(from) + " keeps out message " + std::to_string(id.value));
      return;
    }
  }
  deliver(envelope);
  settle();
}

void InjectionHost::deliver(const Envelope& envelope) {
  const Receipt receipt = troupe_.deliver(envelope);
  if (receipt.kind == Receipt::Kind::not_accepted)
    faults_.push_back(name_of(envelope.to) + " does not accept message " + std::to_string(envelope.id.value) +
                      " from " + name_of(envelope.from));
  if (receipt.kind == Receipt::Kind::malformed) faults_.push_back(receipt.fault);
  troupe_.check_invariants();
}

void InjectionHost::settle() {
  while (!inside_.empty()) {
    const Envelope next = std::move(inside_.front());
    inside_.pop_front();
    deliver(next);
  }
}

void InjectionHost::route(Envelope envelope) {
  if (troupe_.has(envelope.to)) {
    inside_.push_back(std::move(envelope));
    return;
  }
  const auto link = links_.find(envelope.to);
  const bool dropped = link == links_.end() ? !probes_.contains(envelope.to)
                                            : (link->second.kind != LinkKind::publish && !link->second.up);
  if (!dropped) outbox_.push_back(std::move(envelope));
}

Opened InjectionHost::open(Address owner, LinkKind kind, const std::string& endpoint, const Door& door) {
  if (const auto refused = refused_endpoints_.find(endpoint); refused != refused_endpoints_.end())
    return {{}, endpoint, refused->second};
  Link link{fresh_address(),
            owner,
            kind,
            endpoint,
            std::string(door.role),
            {door.says.begin(), door.says.end()},
            {},
            false,
            false,
            0,
            door.expected,
            door.admits,
            {},
            door.pass,
            {}};
  if (link.endpoint.ends_with(":0")) {
    link.endpoint.pop_back();
    link.endpoint += std::to_string(++last_port_);
  }
  Opened opened{link.address, link.endpoint, {}};
  links_.emplace(link.address, std::move(link));
  return opened;
}

void InjectionHost::admit_pass(Address door, const LinkKey& key, const SealedPass& pass) {
  if (const auto found = links_.find(door); found != links_.end())
    found->second.passes[pass.id] = AdmittedPass{pass, key};
}

void InjectionHost::revoke_pass(Address door, const SealedPassId& id) {
  const auto found = links_.find(door);
  if (found == links_.end() || found->second.passes.erase(id) == 0) return;
  for (const Link& link : links())
    if (link.listener == door && link.pass.id == id) {
      links_.erase(link.address);
      inside_.push_back({link.address, link.owner, LinkDown::message_id,
                         encode(LinkDown{link.address, LinkLoss::closed}), Payload{}, false});
    }
}

void InjectionHost::probe(Address link) {
  const auto found = links_.find(link);
  if (found == links_.end() || !found->second.up) return;
  if (found->second.holds_echoes) {
    ++found->second.probes;
    return;
  }
  inside_.push_back(
      {link, found->second.owner, LinkEcho::message_id, encode(LinkEcho{link}), Payload{}, false});
}

bool InjectionHost::echo(Address link) {
  Link& probed = links_.at(link);
  const std::uint32_t waiting = std::exchange(probed.probes, 0);
  for (std::uint32_t i = 0; i < waiting; ++i)
    inside_.push_back({link, probed.owner, LinkEcho::message_id, encode(LinkEcho{link}), Payload{}, false});
  settle();
  return waiting > 0;
}

void InjectionHost::close(Address link) {
  links_.erase(link);
  std::erase_if(links_, [&](const auto& entry) { return entry.second.listener == link; });
}

void InjectionHost::fill_secret(std::span<std::uint8_t> target) {
  for (std::uint8_t& byte : target) byte = static_cast<std::uint8_t>(random_());
}

Address InjectionHost::link_to(std::string_view endpoint) const {
  for (const auto& [address, link] : links_)
    if (link.endpoint == endpoint && link.listener.value == 0 && link.kind != LinkKind::ask_key &&
        link.kind != LinkKind::tell_key)
      return address;
  throw ExpectationFailed("no link to " + std::string(endpoint) + " is open");
}

std::optional<Address> InjectionHost::question_to(std::string_view endpoint) const {
  for (const auto& [address, link] : links_)
    if (link.endpoint == endpoint && link.kind == LinkKind::ask_key) return address;
  return std::nullopt;
}

std::vector<InjectionHost::Link> InjectionHost::links() const {
  std::vector<Link> all;
  for (const auto& [address, link] : links_) all.push_back(link);
  return all;
}

void InjectionHost::link_up(Address link, std::string_view peer) {
  Link& opened = links_.at(link);
  opened.up = true;
  deliver(
      {link,
       opened.owner,
       LinkUp::message_id,
       encode(LinkUp{link, opened.listener, std::string(peer.empty() ? opened.endpoint : peer), opened.key}),
       {},
       false});
  settle();
}

void InjectionHost::link_down(Address link, LinkLoss loss) {
  Link& opened = links_.at(link);
  opened.up = false;
  opened.probes = 0;
  const Address owner = opened.owner;
  if (opened.listener.value != 0 || opened.kind == LinkKind::dial_stream) {
    links_.erase(link);
    troupe_.link_over(owner, link);
  }
  deliver({link, owner, LinkDown::message_id, encode(LinkDown{link, loss}), {}, false});
  settle();
}

Address InjectionHost::accept(Address listener, std::string_view peer, const LinkKey& key) {
  const Link& door = links_.at(listener);
  Link link{fresh_address(),
            door.owner,
            LinkKind::connect,
            std::string(peer),
            door.role,
            door.says,
            listener,
            true,
            false,
            0,
            key};
  const Address address = link.address;
  links_.emplace(address, std::move(link));
  link_up(address, peer);
  return address;
}

Address InjectionHost::accept_sealed(Address listener, const SealedPassId& pass, std::string_view peer) {
  const auto admitted = links_.at(listener).passes.find(pass);
  if (admitted == links_.at(listener).passes.end())
    throw ExpectationFailed("the pass is not good at " + name_of(listener));
  const AdmittedPass by = admitted->second;
  const Address address = accept(listener, peer, by.key);
  if (const auto link = links_.find(address); link != links_.end()) link->second.pass = by.pass;
  return address;
}

void InjectionHost::tell_key(Address question, const LinkKey& key) {
  const Address owner = links_.at(question).owner;
  links_.erase(question);
  troupe_.link_over(owner, question);
  deliver({question, owner, KeyTold::message_id, encode(KeyTold{question, key}), {}, false});
  settle();
}

void InjectionHost::refuse_endpoint(std::string endpoint, std::string fault) {
  refused_endpoints_[std::move(endpoint)] = std::move(fault);
}

void InjectionHost::input_ready(int descriptor) {
  const auto watched = watched_.find(descriptor);
  if (watched == watched_.end()) throw ExpectationFailed("nobody watches this descriptor");
  const Address owner = watched->second;
  watched_.erase(watched);
  deliver({Address{}, owner, InputReady::message_id, encode(InputReady{descriptor}), {}, false});
  settle();
}

void InjectionHost::advance(Duration by) {
  const Instant until = now_ + by;
  while (troupe_.next_timer() <= until) {
    now_ = std::max(now_, troupe_.next_timer());
    troupe_.fire_one(now_);
    troupe_.check_invariants();
    settle();
  }
  now_ = until;
}

Envelope InjectionHost::take(Address to, MessageId id, std::string_view type_name) {
  const auto at = std::find_if(outbox_.begin(), outbox_.end(), [&](const Envelope& e) { return e.to == to; });
  if (at == outbox_.end())
    throw ExpectationFailed("expected " + std::string(type_name) + " for " + name_of(to) + ", got nothing");
  if (at->id != id)
    throw ExpectationFailed("expected " + std::string(type_name) + " for " + name_of(to) + ", got " +
                            describe(*at));
  Envelope envelope = std::move(*at);
  outbox_.erase(at);
  return envelope;
}

std::optional<Envelope> InjectionHost::find_encoded(Address to, MessageId id) {
  const auto at = std::find_if(outbox_.begin(), outbox_.end(),
                               [&](const Envelope& e) { return e.to == to && e.id == id; });
  if (at == outbox_.end()) return std::nullopt;
  Envelope envelope = std::move(*at);
  outbox_.erase(at);
  return envelope;
}

std::optional<Envelope> InjectionHost::take_oldest(Address to) {
  const auto at = std::find_if(outbox_.begin(), outbox_.end(), [&](const Envelope& e) { return e.to == to; });
  if (at == outbox_.end()) return std::nullopt;
  Envelope envelope = std::move(*at);
  outbox_.erase(at);
  return envelope;
}

void InjectionHost::expect_silence() const {
  if (!outbox_.empty()) throw ExpectationFailed("expected silence, got " + describe(outbox_.front()));
}

void InjectionHost::expect_silence(Address to) const {
  for (const Envelope& envelope : outbox_)
    if (envelope.to == to) throw ExpectationFailed("expected silence, got " + describe(envelope));
}

void InjectionHost::discard(Address to) {
  std::erase_if(outbox_, [&](const Envelope& envelope) { return envelope.to == to; });
}

std::string InjectionHost::describe(const Envelope& envelope) const {
  return "message " + std::to_string(envelope.id.value) + " from " + name_of(envelope.from) + " to " +
         name_of(envelope.to) + " (" + std::to_string(envelope.body.size()) + " bytes, 0x" +
         to_hex(ByteView(envelope.body).first(std::min<std::size_t>(envelope.body.size(), 64))) + ")";
}

std::string InjectionHost::name_of(Address address) const {
  if (const std::string_view actor = troupe_.name_of(address); !actor.empty()) return std::string(actor);
  if (const auto name = names_.find(address); name != names_.end()) return name->second;
  if (const auto link = links_.find(address); link != links_.end())
    return link->second.role + "@" + link->second.endpoint;
  return "address " + std::to_string(address.value);
}

void InjectionHost::named(Address address, std::string_view name) {
  names_[address] = name;
  if (trace_ != nullptr) trace_->named(address, name);
}

}  // namespace tutti
