#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "tracker/keyed_hash.hpp"

namespace tutti {

/// Rows of one kind, found by id (`row.id`) and by number. A row never moves; what an erased one took is the next one's.
///
/// Rows lie in blocks, so that growing copies none and leaves little room unused; an id is kept once, in its row, and
/// found by open addressing in a table of numbers. A map's nodes would take half as much again.
template <class Row, class Id, class Index>
class RowTable {
 public:
  explicit RowTable(const HashSecret& secret = {}) : hash_(secret) {}

  /// The number of `id`, which gets an empty row if it is new.
  Index at(const Id& id) {
    if (2 * (size_ + 1) > slots_.size()) grow();
    const std::uint32_t hash = hash_of(id);
    Slot& slot = slots_[place_of(id, hash)];
    if (slot.number == 0) {
      slot = {free_number(), hash};
      (*this)[Index{slot.number - 1}].id = id;
    }
    return Index{slot.number - 1};
  }
  std::optional<Index> find(const Id& id) const {
    if (slots_.empty()) return std::nullopt;
    const Slot& slot = slots_[place_of(id, hash_of(id))];
    return slot.number == 0 ? std::nullopt : std::optional(Index{slot.number - 1});
  }
  /// Its number becomes that of an empty row, and of the next id that is new.
  void erase(const Id& id) {
    const std::size_t mask = slots_.size() - 1;
    std::size_t hole = place_of(id, hash_of(id));
    const std::uint32_t number = slots_[hole].number;
    if (number == 0) return;
    (*this)[Index{number - 1}] = Row{};
    free_.push_back(number);
    // Whoever stands behind the hole, and would be looked for at or before it, moves up.
    for (std::size_t place = (hole + 1) & mask; slots_[place].number != 0; place = (place + 1) & mask) {
      const std::size_t wanted = slots_[place].hash & mask;
      if (((place - wanted) & mask) < ((place - hole) & mask)) continue;
      slots_[hole] = slots_[place];
      hole = place;
    }
    slots_[hole] = {};
  }
  Row& operator[](Index index) { return blocks_[index.value / block_rows][index.value % block_rows]; }
  const Row& operator[](Index index) const {
    return blocks_[index.value / block_rows][index.value % block_rows];
  }
  /// Numbers that were ever in use at once; those of rows that were erased are of empty rows.
  std::uint32_t size() const { return size_; }
  std::uint32_t erased() const { return static_cast<std::uint32_t>(free_.size()); }

 private:
  static constexpr std::uint32_t block_rows = 64;
  static constexpr std::size_t slots_min = 16;

  struct Slot {
    std::uint32_t number = 0;  // of the row, from 1; 0: free
    std::uint32_t hash = 0;    // so that few rows of other ids are looked at, and none when the table grows
  };

  std::uint32_t free_number() {
    if (!free_.empty()) {
      const std::uint32_t number = free_.back();
      free_.pop_back();
      return number;
    }
    if (size_ % block_rows == 0) blocks_.push_back(std::make_unique<Row[]>(block_rows));
    return ++size_;
  }
  std::uint32_t hash_of(const Id& id) const { return static_cast<std::uint32_t>(hash_(id)); }
  /// Where `id` is, or the free place where it belongs.
  std::size_t place_of(const Id& id, std::uint32_t hash) const {
    const std::size_t mask = slots_.size() - 1;
    std::size_t place = hash & mask;
    while (slots_[place].number != 0 &&
           (slots_[place].hash != hash || (*this)[Index{slots_[place].number - 1}].id != id))
      place = (place + 1) & mask;
    return place;
  }
  void grow() {
    std::vector<Slot> old(std::max(slots_min, 2 * slots_.size()));
    old.swap(slots_);
    const std::size_t mask = slots_.size() - 1;
    for (const Slot& slot : old) {
      if (slot.number == 0) continue;
      std::size_t place = slot.hash & mask;
      while (slots_[place].number != 0) place = (place + 1) & mask;
      slots_[place] = slot;
    }
  }

  KeyedHash hash_;
  std::vector<std::unique_ptr<Row[]>> blocks_;
  std::vector<Slot> slots_;  // a power of two, half of them free at least
  std::vector<std::uint32_t> free_;
  std::uint32_t size_ = 0;
};

}  // namespace tutti
