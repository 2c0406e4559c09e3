#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <map>
#include <optional>

#include "actors/time.hpp"
#include "messages/client_tracker.hpp"
#include "messages/units.hpp"

namespace tutti {

/// Decides who may fetch a file here, of all that want it in the same moment. Knows no time but what it is given.
///
/// Rules:
/// - So many at a time, each client once: of thousands nobody would get enough to be of use to others.
/// - When all places are taken, one becomes free for somebody else when its client has asked for nothing for `patience`,
///   or has been given `turn`: who waits waits for no whole file. A turn is long beside the blocks that are on their way when
///   it ends, and come in vain.
/// - And at once, of the user who has most places, if he keeps more than the other one has then: nobody gets more by
///   coming as many.
class Places {
 public:
  static constexpr Duration patience = std::chrono::seconds(30);
  static constexpr ByteCount turn{64U << 20U};

  struct Answer {
    bool granted = false;
    /// Has lost its place: when that is seen to, it can be asked again.
    std::optional<ClientKey> goes = {};
  };

  /// One at least.
  explicit Places(std::size_t most) : most_(std::max(most, std::size_t{1})) {}

  /// A client of this user wants a place. Asked again it has it already.
  Answer take(const ClientKey& client, const Uid& user, Instant now) {
    if (held_.contains(client)) return {true};
    if (held_.size() < most_) {
      held_.emplace(client, Held{user, now, {}});
      return {true};
    }
    const std::optional<ClientKey> goes = who_goes(user, now);
    if (goes) held_.erase(*goes);
    return {false, goes};
  }
  /// It is given so much.
  void gave(const ClientKey& client, ByteCount bytes, Instant now) {
    const auto held = held_.find(client);
    if (held == held_.end()) return;
    held->second.given += bytes;
    held->second.wanted = now;
  }
  /// Of those who have a place only these want it still; true: something that it has asked for is on its way.
  void look(const std::map<ClientKey, bool>& there, Instant now) {
    std::erase_if(held_, [&](const auto& each) { return !there.contains(each.first); });
    for (auto& [client, held] : held_)
      if (there.at(client)) held.wanted = now;
  }
  std::size_t taken() const { return held_.size(); }

 private:
  struct Held {
    Uid user;
    Instant wanted{};  ///< something, for the last time
    ByteCount given;
  };

  std::optional<ClientKey> who_goes(const Uid& user, Instant now) const {
    std::map<Uid, std::size_t> places;
    for (const auto& [client, held] : held_) ++places[held.user];
    const std::size_t own = places[user];
    const auto most = std::max_element(places.begin(), places.end(), [](const auto& one, const auto& other) {
      return one.second < other.second;
    });
    const bool has_too_many = most->second > own + 1;
    std::optional<ClientKey> goes;
    const Held* of_him = nullptr;
    for (const auto& [client, held] : held_) {
      const bool may_go =
          has_too_many ? held.user == most->first : now - held.wanted >= patience || held.given >= turn;
      if (!may_go) continue;
      // Whoever has wanted nothing for longest, and of several whoever has been given most.
      const bool sooner = of_him == nullptr || held.wanted < of_him->wanted ||
                          (held.wanted == of_him->wanted && held.given > of_him->given);
      if (!sooner) continue;
      goes = client;
      of_him = &held;
    }
    return goes;
  }

  std::size_t most_;
  std::map<ClientKey, Held> held_;
};

}  // namespace tutti
