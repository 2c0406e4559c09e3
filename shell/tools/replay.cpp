#include "shell/tools/replay.hpp"

#include <algorithm>
#include <map>
#include <ostream>
#include <vector>

#include "messages/catalogue.hpp"

namespace tutti {

namespace {

constexpr DecodeLimits any_size{.frame_bytes = SIZE_MAX >> 1U, .list_items = SIZE_MAX >> 8U, .depth = 16};

/// The addresses that go by each name, in the order of their naming. A recorded address and one of the replay are the
/// same party if they are, say, the second with their name.
class Names {
 public:
  void add(Address address, std::string_view name) {
    if (names_.emplace(address, name).second) addresses_[std::string(name)].push_back(address);
  }
  std::string name_of(Address address) const {
    const auto name = names_.find(address);
    return name == names_.end() ? "address " + std::to_string(address.value) : name->second;
  }
  std::size_t rank_of(Address address) const {
    const auto& same = addresses_.at(name_of(address));
    return static_cast<std::size_t>(std::ranges::find(same, address) - same.begin());
  }
  bool knows(Address address) const { return names_.contains(address); }
  /// 0 if there are not so many.
  Address find(const std::string& name, std::size_t rank) const {
    const auto at = addresses_.find(name);
    return at == addresses_.end() || rank >= at->second.size() ? Address{} : at->second[rank];
  }

 private:
  std::map<Address, std::string> names_;
  std::map<std::string, std::vector<Address>> addresses_;
};

using Conversations = std::map<std::string, std::vector<std::string>>;  // partner -> what was said to them

class Replay final : private TraceSink {
 public:
  Replay(const ActorKind& kind, const std::string& name, const Casting::Settings& settings)
      : kind_(kind), name_(name), settings_(settings) {
    host_.set_trace(this);
  }

  void take(const AddressNamed& named) {
    recorded_.add(named.address, named.name);
    if (named.name == name_ && then_.value == 0) then_ = named.address;
  }
  void take(const TraceEnded&) {}
  void take(const EnvelopeDelivered& record) {
    if (then_.value == 0) return;
    if (record.from == then_ && record.to != then_)
      said_then_[partner_then(record.to)].push_back(describe(record.body, SIZE_MAX));
    if (record.to != then_) return;
    begin(record.at_ns);
    pass_time(record.at_ns);
    if (record.from != then_) deliver(record);
    hear();
  }

  ReplayOutcome outcome(std::ostream& out) {
    if (now_.value == 0) throw BadRequest("the trace has nothing that was said to '" + name_ + "'");
    hear();
    for (const auto& [partner, texts] : said_then_) said_now_.try_emplace(partner);
    for (const auto& [partner, texts] : said_now_) compare(partner, said_then_[partner], texts, out);
    return outcome_;
  }

 private:
  // The replay's host names its addresses and shows what it delivers between the actor and its children.
  void named(Address address, std::string_view name) override { replayed_.add(address, name); }
  void delivered(Instant, const Envelope& envelope) override {
    if (now_.value != 0 && envelope.from == now_ && envelope.to != now_) note(envelope);
  }

  void begin(std::int64_t at_ns) {
    if (now_.value != 0) return;
    begin_ns_ = at_ns;
    now_ = cast_actor(host_, kind_, settings_).address;
  }

  /// The actor's own timers fire by themselves.
  void pass_time(std::int64_t at_ns) {
    const Instant due(std::chrono::nanoseconds(at_ns - begin_ns_));
    if (due > host_.time()) host_.advance(due - host_.time());
  }

  void deliver(const EnvelopeDelivered& record) {
    ++outcome_.delivered;
    const MessageId id = peek_message_id(record.body);
    if (id == LinkUp::message_id && !record.outside) {
      const Decoded<LinkUp> up = decode<LinkUp>(record.body, any_size);
      if (up) link_up(*up);
    } else if (id == LinkDown::message_id && !record.outside) {
      const Decoded<LinkDown> down = decode<LinkDown>(record.body, any_size);
      if (down && host_.is_open(counterpart(down->link)))
        host_.link_down(counterpart(down->link), down->loss);
    } else if (id == StopActor::message_id) {
      host_.stop(now_);
    } else if (id != ActorStopped::message_id && id != InputReady::message_id) {
      Bytes payload = record.payload;
      payload.resize(record.payload_size);
      host_.inject_encoded(counterpart(record.from), now_, id, record.body,
                           payload.empty() ? Payload{} : Payload::own(std::move(payload)));
    }
  }

  void link_up(const LinkUp& up) {
    if (up.listener.value == 0) {
      const Address link = counterpart(up.link);
      if (host_.is_open(link)) host_.link_up(link, up.peer);
      return;
    }
    const Address door = counterpart(up.listener);
    if (host_.is_open(door)) same_[up.link] = host_.accept(door, up.peer, up.key);
  }

  /// Who in the replay is what `address` was in the trace. Somebody unknown is played by the trace alone.
  Address counterpart(Address address) {
    if (address == then_) return now_;
    if (const auto known = same_.find(address); known != same_.end()) return known->second;
    const std::string name = recorded_.name_of(address);
    const std::size_t rank = recorded_.knows(address) ? recorded_.rank_of(address) : 0;
    Address found = replayed_.find(name, rank);
    if (found.value == 0) found = replayed_.find(std::string(without_count(name)), 0);
    if (found.value == 0) found = link_of_role(name);
    if (found.value == 0) found = host_.probe<AnyRole>(name).address;
    same_[address] = found;
    return found;
  }

  /// A door at a port that the system chose has another name in every run.
  Address link_of_role(const std::string& name) {
    const std::size_t at = name.find('@');
    if (at == std::string::npos) return {};
    for (const InjectionHost::Link& link : host_.links())
      if (link.role == name.substr(0, at) && link.listener.value == 0 && !is_counterpart(link.address))
        return link.address;
    return {};
  }
  bool is_counterpart(Address address) const {
    return std::ranges::any_of(same_, [&](const auto& pair) { return pair.second == address; });
  }

  void hear() {
    for (const Envelope& envelope : host_.outbox())
      if (envelope.from == now_) note(envelope);
    host_.discard();
  }
  void note(const Envelope& envelope) {
    for (const auto& [then, now] : same_)
      if (now == envelope.to)
        return said_now_[partner_then(then)].push_back(describe(envelope.body, SIZE_MAX));
    said_now_[host_.name_of(envelope.to)].push_back(describe(envelope.body, SIZE_MAX));
  }
  /// Of several of one kind an actor in a replay has one, so what was said to each counts as said to it.
  std::string partner_then(Address address) const {
    return std::string(without_count(recorded_.name_of(address)));
  }

  void compare(const std::string& partner, const std::vector<std::string>& then,
               const std::vector<std::string>& now, std::ostream& out) {
    static const std::string none = "nothing";
    for (std::size_t i = 0; i < std::max(then.size(), now.size()); ++i) {
      const std::string& was = i < then.size() ? then[i] : none;
      const std::string& is = i < now.size() ? now[i] : none;
      if (was == is) {
        ++outcome_.same;
        out << "same       " << name_ << " -> " << partner << ": " << is << '\n';
        continue;
      }
      ++outcome_.different;
      out << "recorded   " << name_ << " -> " << partner << ": " << was << '\n'
          << "  but now  " << name_ << " -> " << partner << ": " << is << '\n';
    }
  }

  const ActorKind& kind_;
  std::string name_;
  Casting::Settings settings_;
  InjectionHost host_;
  Names recorded_;
  Names replayed_;
  Address then_;  // the actor in the trace
  Address now_;   // the actor in the replay
  std::map<Address, Address> same_;
  Conversations said_then_;
  Conversations said_now_;
  std::int64_t begin_ns_ = 0;
  ReplayOutcome outcome_;
};

}  // namespace

ReplayOutcome replay(TraceReader& trace, const ActorKind& kind, const std::string& name,
                     const Casting::Settings& settings, std::ostream& out) {
  Replay again(kind, name, settings);
  while (const std::optional<TraceRecord> record = trace.next())
    std::visit([&](const auto& each) { again.take(each); }, record->value);
  return again.outcome(out);
}

}  // namespace tutti
