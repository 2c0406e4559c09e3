#pragma once

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <utility>
#include <vector>

namespace tutti {

/// A set of small keys in the order of `Less`, with the part of std::set's interface that listings need.
///
/// Keys lie in sorted runs: a tree's node would take ten times the memory of a number, and each step to the next one
/// a cache miss. Looking up costs the logarithm, inserting and erasing that and moving some keys of one run. `Less` may
/// look keys up elsewhere and compare them with other types.
template <class Key, class Less>
class OrderedList {
  using Run = std::vector<Key>;

 public:
  class const_iterator {
   public:
    using iterator_category = std::forward_iterator_tag;
    using value_type = Key;
    using difference_type = std::ptrdiff_t;
    using pointer = const Key*;
    using reference = const Key&;

    const_iterator() = default;
    reference operator*() const { return (*runs_)[run_][place_]; }
    pointer operator->() const { return &**this; }
    const_iterator& operator++() {
      if (++place_ == (*runs_)[run_].size()) {
        ++run_;
        place_ = 0;
      }
      return *this;
    }
    const_iterator operator++(int) {
      const const_iterator before = *this;
      ++*this;
      return before;
    }
    bool operator==(const const_iterator& other) const {
      return run_ == other.run_ && place_ == other.place_;
    }

   private:
    friend class OrderedList;
    const_iterator(const std::vector<Run>& runs, std::size_t run, std::size_t place)
        : runs_(&runs), run_(run), place_(place) {}

    const std::vector<Run>* runs_ = nullptr;
    std::size_t run_ = 0;
    std::size_t place_ = 0;
  };

  explicit OrderedList(Less less) : less_(less) {}

  const Less& key_comp() const { return less_; }
  std::size_t size() const { return size_; }
  const_iterator begin() const { return {runs_, 0, 0}; }
  const_iterator end() const { return {runs_, runs_.size(), 0}; }

  /// The first key that does not come before `key`.
  template <class Sought>
  const_iterator lower_bound(const Sought& key) const {
    return first_that([&](const Key& each) { return !less_(each, key); });
  }
  /// The first key that comes after `key`.
  template <class Sought>
  const_iterator upper_bound(const Sought& key) const {
    return first_that([&](const Key& each) { return less_(key, each); });
  }
  template <class Sought>
  std::pair<const_iterator, const_iterator> equal_range(const Sought& key) const {
    return {lower_bound(key), upper_bound(key)};
  }
  /// The first of those that are equal to `key`, or the end.
  template <class Sought>
  const_iterator find(const Sought& key) const {
    const const_iterator at = lower_bound(key);
    return at == end() || less_(key, *at) ? end() : at;
  }
  template <class Sought>
  bool contains(const Sought& key) const {
    return find(key) != end();
  }

  /// One that is in it changes nothing.
  void insert(const Key& key) {
    const const_iterator at = lower_bound(key);
    if (at != end() && !less_(key, *at)) return;
    ++size_;
    if (runs_.empty()) return runs_.push_back({key});
    // Behind the last key of all: into the last run.
    const std::size_t number = std::min(at.run_, runs_.size() - 1);
    Run& run = runs_[number];
    run.insert(run.begin() + distance(at == end() ? run.size() : at.place_), key);
    if (run.size() > run_max) split(number);
  }
  /// One that is not in it changes nothing.
  void erase(const Key& key) {
    const const_iterator at = find(key);
    if (at == end()) return;
    --size_;
    Run& run = runs_[at.run_];
    run.erase(run.begin() + distance(at.place_));
    if (run.empty()) {
      runs_.erase(runs_.begin() + distance(at.run_));
    } else if (at.run_ + 1 < runs_.size() && run.size() + runs_[at.run_ + 1].size() <= run_max / 2) {
      const Run& next = runs_[at.run_ + 1];
      run.insert(run.end(), next.begin(), next.end());
      runs_.erase(runs_.begin() + distance(at.run_ + 1));
    }
  }
  /// Takes the place of everything. `keys` are in order, none twice.
  void assign(const std::vector<Key>& keys) {
    runs_.clear();
    size_ = keys.size();
    for (std::size_t first = 0; first < keys.size(); first += run_loaded) {
      const std::size_t last = std::min(first + run_loaded, keys.size());
      runs_.emplace_back(keys.begin() + distance(first), keys.begin() + distance(last));
    }
  }

 private:
  static constexpr std::size_t run_max = 512;
  // Half full would be split late, but full would be split by the next key.
  static constexpr std::size_t run_loaded = 384;

  static std::ptrdiff_t distance(std::size_t places) { return static_cast<std::ptrdiff_t>(places); }

  template <class Is>
  const_iterator first_that(Is is) const {
    const auto run =
        std::partition_point(runs_.begin(), runs_.end(), [&](const Run& each) { return !is(each.back()); });
    if (run == runs_.end()) return end();
    const auto place =
        std::partition_point(run->begin(), run->end(), [&](const Key& each) { return !is(each); });
    return {runs_, static_cast<std::size_t>(run - runs_.begin()),
            static_cast<std::size_t>(place - run->begin())};
  }
  void split(std::size_t number) {
    const auto middle = runs_[number].begin() + distance(run_max / 2);
    Run second(middle, runs_[number].end());
    runs_[number].erase(middle, runs_[number].end());
    runs_.insert(runs_.begin() + distance(number + 1), std::move(second));
  }

  Less less_;
  std::vector<Run> runs_;  // none is empty
  std::size_t size_ = 0;
};

}  // namespace tutti
