#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <vector>

#include "messages/shell_client.hpp"

namespace tutti {

/// What a priority is worth: a download gets so many parts of what it shares with others.
constexpr unsigned weight_of(DownloadPriority priority) {
  switch (priority) {
    case DownloadPriority::low: return 1;
    case DownloadPriority::normal: return 3;
    case DownloadPriority::high: return 9;
  }
  return 1;
}

/// Decides who comes next among some who share something, in proportion to their weights (stride scheduling,
/// Waldspurger and Weihl 1995): what somebody gets is charged at its size through its weight, and who has been charged
/// least comes first.
///
/// Rules:
/// - Nobody starves: a low weight makes each turn dearer, so the others catch up with it sooner or later.
/// - Nobody saves up: who was away, or could not use its turn, begins where those are who were served meanwhile.
template <class Key>
class WeightedTurns {
 public:
  /// The same keys, who comes first first; those who are equal stay in their order.
  std::vector<Key> order(std::vector<Key> keys) const {
    std::stable_sort(keys.begin(), keys.end(),
                     [&](const Key& a, const Key& b) { return charged(a) < charged(b); });
    return keys;
  }
  bool comes_before(const Key& a, const Key& b) const { return charged(a) < charged(b); }
  void served(const Key& key, std::uint64_t size, unsigned weight) {
    const double before = charged(key);
    level_ = before;
    charged_[key] = before + static_cast<double>(size) / weight;
    std::erase_if(charged_, [&](const auto& each) { return each.second <= level_; });
  }
  void forget(const Key& key) { charged_.erase(key); }

 private:
  double charged(const Key& key) const {
    const auto found = charged_.find(key);
    return found == charged_.end() ? level_ : std::max(found->second, level_);
  }

  std::map<Key, double> charged_;  ///< those above the level
  double level_ = 0;               ///< of whoever was served last
};

}  // namespace tutti
