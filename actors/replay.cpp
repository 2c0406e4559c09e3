#include "actors/replay.hpp"

#include <algorithm>
#include <bit>
#include <string_view>
#include <variant>

#include "actors/digest.hpp"
#include "actors/ensure.hpp"
#include "actors/observed.hpp"
#include "messages/catalogue.hpp"
#include "messages/text.hpp"

namespace tutti {

namespace {

/// An actor has done something else than was recorded: ends the step that it was in.
struct Departed {
  std::string recorded;
  std::string now;
};

constexpr std::size_t bytes_shown = 16;
/// No payload is longer: a part of an Orchestra's file.
constexpr std::uint64_t payload_max = 16U << 20U;

/// A payload like the recorded one: the very same, or one of its size that begins with its digest.
Payload payload_again(const EnvelopeDelivered& delivered) {
  if (delivered.payload_size == 0) return {};
  if (delivered.payload.size() == delivered.payload_size) return Payload::own(delivered.payload);
  Bytes stand_in(std::min(delivered.payload_size, payload_max));
  std::copy_n(delivered.payload_digest.begin(), std::min(delivered.payload_digest.size(), stand_in.size()),
              stand_in.begin());
  return Payload::own(std::move(stand_in));
}

bool is_payload(const Payload& payload, const Sent& recorded) {
  if (payload.size() != recorded.payload_size) return false;
  if (payload.empty()) return true;
  const ByteView begin = payload.view().first(std::min(payload.size(), recorded.payload_digest.size()));
  if (payload.size() > payload_kept_whole && std::ranges::equal(begin, recorded.payload_digest)) return true;
  return std::ranges::equal(sha256(payload.view()).bytes, recorded.payload_digest);
}

}  // namespace

/// The context of one step: gives what was given, and holds what is done beside what was done.
class Replay::StepContext final : public Context, public ObservingContext {
 public:
  StepContext(Replay& replay, Address self, Address sender, const Payload& payload, const ActorStepped& step)
      : replay_(replay), self_(self), sender_(sender), payload_(payload), step_(step) {}

  Instant now() const override {
    return Instant(std::chrono::nanoseconds(next(step_.now_ns, now_, step_.at_ns)));
  }
  WallTime wall_time() const override {
    return WallTime(std::chrono::milliseconds(next(step_.wall_ms, wall_, std::int64_t{})));
  }
  Random& random() override {
    if (chances_ < step_.chances.size()) random_ = std::bit_cast<Random>(step_.chances[chances_++]);
    return random_;
  }
  void fill_secret(std::span<std::uint8_t> target) override {
    if (secrets_ == step_.secrets.size() || step_.secrets[secrets_].size() != target.size())
      throw Departed{"no such secret was asked for",
                     "asks for a secret of " + std::to_string(target.size()) + " bytes"};
    std::ranges::copy(step_.secrets[secrets_++], target.begin());
  }
  std::uint64_t observe(std::uint64_t value) override { return next(step_.observed, observed_, value); }
  Address self() const override { return self_; }
  Address sender() const override { return sender_; }
  const Payload& payload() const override { return payload_; }

  void cancel(TimerId timer) override { expect(TimerCancelled{timer}); }
  void admit(Address door, const std::vector<LinkKey>& keys) override { expect(KeysAdmitted{door, keys}); }
  void revoke_pass(Address door, const SealedPassId& id) override {
    expect(PassRevoked{door, {id.bytes.begin(), id.bytes.end()}});
  }
  void probe(Address link) override { expect(LinkProbed{link}); }
  std::optional<Outflow> outflow(Address) override {
    if (observe(0) == 0) return std::nullopt;
    const std::uint64_t confirmed = observe(0);
    return Outflow{confirmed, observe(0)};
  }
  void close(Address link) override { expect(LinkClosed{link}); }
  void stop(Address actor) override { expect(StopAsked{actor}); }
  void goodbye() override { expect(GoodbyeSaid{}); }
  void watch(int) override {}
  void unwatch(int) override {}

  void refused(const Receipt& receipt) {
    if (receipt.kind != Receipt::Kind::handled) expect(NotTaken{receipt.fault});
  }
  /// Everything that was recorded has been done.
  void finish() const {
    if (deeds_ < step_.deeds.size()) throw Departed{replay_.text_of(step_.deeds[deeds_]), "nothing"};
  }

 protected:
  void post(Address to, MessageId, Bytes body, Payload payload) override {
    Sent sent{to, std::move(body), payload.size(), {}};
    const Deed* recorded = peek();
    const Sent* before = recorded == nullptr ? nullptr : recorded->get<Sent>();
    if (before != nullptr && is_payload(payload, *before)) {
      sent.payload_digest = before->payload_digest;
    } else if (!payload.empty()) {
      const Sha256 digest = sha256(payload.view());
      sent.payload_digest.assign(digest.bytes.begin(), digest.bytes.end());
    }
    expect(std::move(sent));
  }
  TimerId start_timer(Duration delay, MessageId, Bytes body) override {
    const Deed* recorded = peek();
    const TimerSet* before = recorded == nullptr ? nullptr : recorded->get<TimerSet>();
    const TimerId timer = before == nullptr ? TimerId{} : before->timer;
    expect(TimerSet{timer, delay, std::move(body)});
    return timer;
  }
  Opened open(LinkKind kind, const std::string& endpoint, const Door& door) override {
    const Deed* recorded = peek();
    const LinkOpened* before = recorded == nullptr ? nullptr : recorded->get<LinkOpened>();
    LinkOpened opened{static_cast<std::uint8_t>(kind),
                      endpoint,
                      std::string(door.role),
                      door.expected,
                      static_cast<std::uint8_t>(door.admits),
                      {},
                      before == nullptr ? Address{} : before->link,
                      before == nullptr ? std::string{} : before->bound,
                      before == nullptr ? std::string{} : before->failed};
    if (kind == LinkKind::connect_sealed)
      opened.pass.assign(door.pass.id.bytes.begin(), door.pass.id.bytes.end());
    const Opened result{opened.link, opened.bound, opened.failed};
    expect(std::move(opened));
    return result;
  }
  void admit_pass(Address door, const LinkKey& key, const SealedPass& pass) override {
    expect(PassAdmitted{door, key, {pass.id.bytes.begin(), pass.id.bytes.end()}});
  }
  Address spawn_child(std::string_view actor_name, std::unique_ptr<Actor> actor) override {
    const Deed* recorded = peek();
    const ChildSpawned* before = recorded == nullptr ? nullptr : recorded->get<ChildSpawned>();
    const Address child = before == nullptr ? Address{} : before->child;
    // The child is started within its parent's step.
    if (before != nullptr) replay_.place(child, std::move(actor));
    expect(ChildSpawned{child, std::string(actor_name)});
    if (replay_.is_over()) throw Departed{};
    return child;
  }

 private:
  template <class T>
  static T next(const std::vector<T>& given, std::size_t& at, T otherwise) {
    if (at < given.size()) return given[at++];
    return given.empty() ? otherwise : given.back();
  }
  const Deed* peek() const { return deeds_ < step_.deeds.size() ? &step_.deeds[deeds_] : nullptr; }

  /// What is done now is what was done then.
  void expect(const Deed& deed) {
    const Deed* recorded = peek();
    if (recorded == nullptr) throw Departed{"nothing", replay_.text_of(deed)};
    if (!is_same(*recorded, deed)) throw Departed{replay_.text_of(*recorded), replay_.text_of(deed)};
    ++deeds_;
  }
  bool is_same(const Deed& recorded, const Deed& now) const {
    const auto same_body = [&](const Bytes& one, const Bytes& other) {
      if (one == other) return true;
      return replay_.rules_.comparable != nullptr &&
             replay_.rules_.comparable(one) == replay_.rules_.comparable(other);
    };
    if (const Sent* then = recorded.get<Sent>()) {
      const Sent* sent = now.get<Sent>();
      return sent != nullptr && sent->to == then->to && same_body(then->body, sent->body) &&
             sent->payload_size == then->payload_size && sent->payload_digest == then->payload_digest;
    }
    if (const TimerSet* then = recorded.get<TimerSet>()) {
      const TimerSet* timer = now.get<TimerSet>();
      return timer != nullptr && timer->delay == then->delay && same_body(then->body, timer->body);
    }
    return recorded == now;
  }

  Replay& replay_;
  Address self_;
  Address sender_;
  const Payload& payload_;
  const ActorStepped& step_;
  Random random_{0};
  mutable std::size_t now_ = 0;
  mutable std::size_t wall_ = 0;
  std::size_t chances_ = 0;
  std::size_t secrets_ = 0;
  std::size_t observed_ = 0;
  std::size_t deeds_ = 0;
};

Replay::Replay(ReplayRules rules) : rules_(std::move(rules)) {}
Replay::~Replay() = default;

void Replay::take(const AddressNamed& named) { names_[named.address] = named.name; }

void Replay::take(const ProcessBegan& process) {
  for (ReplayedActor& each : rules_.cast(process)) place(each.at, std::move(each.actor));
}

void Replay::take(const EnvelopeDelivered& delivered) {
  if (const auto cell = cells_.find(delivered.to); cell != cells_.end()) cell->second.heard = delivered;
}

void Replay::take(const ActorStepped& step) {
  if (is_over()) return;
  if (const auto cell = cells_.find(step.actor); cell != cells_.end())
    return run(step.actor, cell->second, step);
  if (step.kind == StepKind::start) starts_[step.actor] = step;
}

void Replay::place(Address at, std::unique_ptr<Actor> actor) {
  if (!cells_.try_emplace(at, Cell{name_of(at), std::move(actor), 0, {}}).second) return;
  ++outcome_.actors;
  if (const auto start = starts_.find(at); start != starts_.end()) {
    const ActorStepped step = std::move(start->second);
    starts_.erase(start);
    run(at, cells_.at(at), step);
  }
}

void Replay::run(Address at, Cell& cell, const ActorStepped& step) {
  cell.name = name_of(at);
  const EnvelopeDelivered heard = std::exchange(cell.heard, {}).value_or(EnvelopeDelivered{});
  const Payload payload = payload_again(heard);
  StepContext context(*this, at, heard.from, payload, step);
  if (step.kind == StepKind::message) {
    ++cell.deliveries;
    ++outcome_.deliveries;
  }
  try {
    if (step.kind == StepKind::start) {
      cell.actor->start(context);
    } else if (step.kind == StepKind::stop) {
      if (cell.actor->stop(context) == Farewell::now) context.goodbye();
    } else {
      const Envelope envelope{heard.from, at,      peek_message_id(heard.body),
                              heard.body, payload, heard.outside};
      context.refused(cell.actor->receive(envelope, context));
    }
    context.finish();
    cell.actor->check_invariants();
  } catch (const Departed& departed) {
    if (is_over()) return;  // a child has, in its start
    std::string amid = step.kind == StepKind::start ? "its start"
                       : step.kind == StepKind::stop
                           ? "being stopped"
                           : describe(heard.body, bytes_shown) + " from " + name_of(heard.from);
    outcome_.difference = ReplayDifference{
        cell.name,         cell.deliveries, std::move(amid), differing_field(departed.recorded, departed.now),
        departed.recorded, departed.now};
  }
}

ReplayOutcome Replay::outcome() const {
  ReplayOutcome outcome = outcome_;
  for (const auto& [at, cell] : cells_)
    if (cell.heard && outcome.unfinished.empty() && !is_over() && !ended_)
      outcome.unfinished = cell.name + " had heard " + describe(cell.heard->body, bytes_shown);
  return outcome;
}

std::string Replay::name_of(Address address) const {
  if (address.value == 0) return "nobody";
  const auto name = names_.find(address);
  return name == names_.end() ? "address " + std::to_string(address.value) : name->second;
}

std::string Replay::text_of(const Deed& deed) const {
  if (const Sent* sent = deed.get<Sent>()) {
    std::string text = describe(sent->body, bytes_shown) + " to " + name_of(sent->to);
    if (sent->payload_size > 0) text += " + " + std::to_string(sent->payload_size) + " bytes";
    return text;
  }
  if (const TimerSet* timer = deed.get<TimerSet>())
    return describe(timer->body, bytes_shown) + " to itself after " + std::to_string(timer->delay.count()) +
           " ns";
  return std::visit([](const auto& each) { return to_text(each, bytes_shown); }, deed.value);
}

ReplayOutcome replay(TraceReader& trace, ReplayRules rules) {
  Replay again(std::move(rules));
  while (!again.is_over()) {
    const std::optional<TraceRecord> record = trace.next();
    if (!record) break;
    std::visit([&](const auto& each) { again.take(each); }, record->value);
  }
  return again.outcome();
}

std::string differing_field(std::string_view one, std::string_view other) {
  const std::size_t name = one.find('{');
  if (name == std::string_view::npos || other.substr(0, name + 1) != one.substr(0, name + 1)) return {};
  std::vector<std::string> path;
  std::string word;
  bool quoted = false;
  for (std::size_t i = name; i < one.size(); ++i) {
    const char c = one[i];
    const bool same = i < other.size() && other[i] == c;
    if (c == '"' && one[i - 1] != '\\') quoted = !quoted;
    if (same && !quoted) {
      if (c == '{') path.emplace_back();
      if (c == ':' && !path.empty()) path.back() = word;
      if (c == '}' && !path.empty()) path.pop_back();
      const bool of_a_word =
          c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
      word = of_a_word ? word + c : std::string{};
    }
    if (!same) break;
  }
  std::string field;
  for (const std::string& each : path) field += (field.empty() || each.empty() ? "" : ".") + each;
  return field;
}

}  // namespace tutti
