#pragma once

#include <optional>
#include <string>

#include "actors/injection_host.hpp"
#include "messages/inside_tracker.hpp"
#include "tracker/facts.hpp"
#include "tracker/logs.hpp"
#include "tracker/version_vector.hpp"

namespace tutti::testing {

template <class Id>
Id id_of(std::uint8_t n) {
  Id id;
  id.bytes.fill(n);
  return id;
}

inline VersionVector up_to(const StoreId& origin, std::uint64_t sequence) {
  VersionVector at;
  advance(at, origin, Sequence{sequence});
  return at;
}

/// Facts as a store keeps them.
inline RowRun rows_of(const std::vector<Fact>& facts) {
  RowRun rows;
  for (const Fact& fact : facts) rows.push_back(row_of(fact).view());
  return rows;
}
inline std::vector<Fact> facts_in(const RowRun& rows) {
  std::vector<Fact> facts;
  RowReader reader(rows);
  while (const std::optional<StoredRow> row = reader.next()) facts.push_back(*fact_of(*row));
  return facts;
}

/// A base for fixtures: an injection host whose words can be used without naming it.
struct World {
  InjectionHost host;

  template <class Role>
  Ref<Role> probe(std::string_view name = Role::name) {
    return host.probe<Role>(name);
  }
  template <class Role>
  Ref<Role> spawn(std::string_view name, std::unique_ptr<Actor> actor) {
    return host.spawn<Role>(name, std::move(actor));
  }
  template <Message M>
  void inject(Address from, Address to, const M& message) {
    host.inject(from, to, message);
  }
  template <Message M>
  M expect(Address to) {
    return host.expect<M>(to).message;
  }
  template <Message M, class Role>
  M expect(Ref<Role> to) {
    return host.expect<M>(to).message;
  }
  template <Message M>
  void expect_exactly(Address to, const M& wanted) {
    host.expect_exactly(to, wanted);
  }
  template <Message M>
  std::optional<M> find(Address to) {
    auto said = host.find<M>(to);
    if (!said) return std::nullopt;
    return said->message;
  }
  void expect_silence() const { host.expect_silence(); }
  void expect_silence(Address to) const { host.expect_silence(to); }
  void advance(Duration by) { host.advance(by); }
  void discard() { host.discard(); }
};

/// The log of a tracker that is elsewhere: deltas that follow each other.
class OtherLog {
 public:
  explicit OtherLog(const StoreId& origin) : head_{origin, {}, {}} {}

  Delta make(std::vector<Operation> operations) {
    const Delta delta{head_.origin,
                      head_.sequence + Sequence{1},
                      {1'700'000'000'000, 0},
                      head_.hash,
                      std::move(operations)};
    head_ = {delta.origin, delta.sequence, hash_of(delta)};
    return delta;
  }
  Delta user(std::uint8_t n) {
    return make({UserNamed{id_of<Uid>(n), {"user" + std::to_string(n)}, 2, false}});
  }
  const LogHead& head() const { return head_; }

 private:
  LogHead head_;
};

}  // namespace tutti::testing
