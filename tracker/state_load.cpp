// The ordered lists of a state to which rows came in bulk, made by sorting once; in parts of a few milliseconds, so that
// whoever does other things as well is not kept from them.

#include <array>
#include <deque>
#include <functional>
#include <memory>

#include "tracker/state.hpp"

namespace tutti {

namespace {

/// Rows that are looked at, sorted or merged in one part.
constexpr std::uint32_t part = 16'384;

/// The beginning of a name as numbers that compare as the name does: most comparisons end here, where comparing the
/// names themselves would fetch both from somewhere else in memory.
struct NameBegin {
  std::array<std::uint64_t, 2> words{};
  auto operator<=>(const NameBegin&) const = default;
};

NameBegin begin_of(std::string_view name) {
  NameBegin begin;
  for (std::size_t i = 0; i < std::min(name.size(), sizeof begin.words); ++i)
    begin.words[i / 8] |= std::uint64_t{static_cast<unsigned char>(name[i])} << (56 - 8 * (i % 8));
  return begin;
}

/// Something to be listed: what it is sorted by first, and what it is.
template <class Begin, class Key>
struct Entry {
  Begin begin;
  Key key;
};

/// Sorts entries that come in any order and fills a list with them; `list.key_comp()` says what `begin` leaves open.
/// Sorts each part for itself, then merges all parts.
template <class Begin, class Key, class List>
class Filling {
 public:
  explicit Filling(List& list) : list_(&list) {}

  void add(const Begin& begin, const Key& key) { entries_.push_back({begin, key}); }
  /// True: it is done.
  bool go_on() {
    if (sorted_ < entries_.size()) return sort_some(), false;
    if (ends_.empty()) return true;
    if (merge_some()) return false;
    list_->assign(keys_);
    *this = Filling(*list_);
    return true;
  }

 private:
  using Each = Entry<Begin, Key>;
  bool is_before(const Each& a, const Each& b) const {
    return a.begin != b.begin ? a.begin < b.begin : list_->key_comp()(a.key, b.key);
  }
  void sort_some() {
    const std::size_t end = std::min(sorted_ + part, entries_.size());
    const auto at = [this](std::size_t place) {
      return entries_.begin() + static_cast<std::ptrdiff_t>(place);
    };
    std::sort(at(sorted_), at(end), [this](const Each& a, const Each& b) { return is_before(a, b); });
    heap_.push_back(sorted_);
    ends_.push_back(end);
    sorted_ = end;
    if (sorted_ == entries_.size()) std::make_heap(heap_.begin(), heap_.end(), last_first());
  }
  /// False if nothing is left.
  bool merge_some() {
    for (std::uint32_t done = 0; done < part && !heap_.empty(); ++done) {
      std::pop_heap(heap_.begin(), heap_.end(), last_first());
      const std::size_t place = heap_.back();
      heap_.pop_back();
      keys_.push_back(entries_[place].key);
      if (place + 1 == ends_[place / part]) continue;
      heap_.push_back(place + 1);
      std::push_heap(heap_.begin(), heap_.end(), last_first());
    }
    return !heap_.empty();
  }
  auto last_first() const {
    return [this](std::size_t a, std::size_t b) { return is_before(entries_[b], entries_[a]); };
  }

  List* list_;
  std::vector<Each> entries_;
  std::size_t sorted_ = 0;
  std::vector<std::size_t> ends_;  // of the parts
  std::vector<std::size_t> heap_;  // the next entry of each part
  std::vector<Key> keys_;
};

/// The making of all lists: one step after the other, each in parts.
class Listing {
 public:
  explicit Listing(DirectoryState& state)
      : state_(state),
        users_(state.users_by_name),
        groups_(state.groups_by_name),
        files_(state.files_by_name),
        members_(state.members_by_name),
        requests_(state.requests_by_name),
        seniors_(state.seniors),
        next_senior_(state.seniors.end()) {
    each_of(state.users, [this](UserIndex user) {
      const UserRow& row = state_.users[user];
      if (row.is_listed()) users_.add(begin_of(row.claim.name), user);
    });
    steps_.emplace_back([this] { return users_.go_on(); });
    each_of(state.groups, [this](GroupIndex group) {
      GroupRecord& row = state_.groups[group];
      row.owner.reset();
      if (row.claim.known && row.members > 0) groups_.add(begin_of(row.claim.name), group);
    });
    steps_.emplace_back([this] { return groups_.go_on(); });
    each_of(state.files, [this](FileIndex file) {
      const FileRecord& row = state_.files[file];
      if (row.is_alive()) files_.add({row.group, begin_of(row.name)}, file);
    });
    steps_.emplace_back([this] { return files_.go_on(); });
    // Members in the order of users' names, which are listed already.
    steps_.emplace_back([this] {
      rank_.resize(state_.users.size());
      std::uint32_t next = 0;
      for (const UserIndex user : state_.users_by_name) rank_[user.value] = next++;
      return true;
    });
    each_of(state.memberships, [this](MembershipIndex each) { add(state_.memberships[each]); });
    steps_.emplace_back([this] { return members_.go_on(); });
    steps_.emplace_back([this] { return requests_.go_on(); });
    steps_.emplace_back([this] { return seniors_.go_on(); });
    steps_.emplace_back([this] {
      next_senior_ = state_.seniors.begin();
      return true;
    });
    steps_.emplace_back([this] { return find_owners(); });
  }

  /// True: all is done.
  bool go_on() {
    if (steps_.front()()) steps_.pop_front();
    return steps_.empty();
  }

 private:
  using Senior = DirectoryState::Senior;
  using FileBegin = std::pair<GroupIndex, NameBegin>;
  using MemberBegin = std::pair<GroupIndex, std::uint32_t>;
  using SeniorBegin = std::tuple<GroupIndex, std::uint64_t, std::uint32_t>;
  template <class Begin, class Key, class Order>
  using FillingOf = Filling<Begin, Key, OrderedList<Key, Order>>;

  /// A step that looks at all rows of a table.
  template <class Row, class Id, class Index, class Look>
  void each_of(RowTable<Row, Id, Index>& table, Look look) {
    steps_.emplace_back([&table, look, next = std::uint32_t{0}]() mutable {
      const std::uint32_t end = std::min(next + part, table.size());
      for (; next < end; ++next) look(Index{next});
      return next == table.size();
    });
  }
  void add(const Membership& membership) {
    const MemberKey& key = membership.id;
    const MemberBegin begin{key.group, rank_[key.user.value]};
    const bool known = state_.users[key.user].is_listed();
    if (known && membership.is_member()) members_.add(begin, key);
    if (known && membership.is_requested()) requests_.add(begin, key);
    if (membership.is_member())
      seniors_.add({key.group, membership.mark.milliseconds, membership.mark.counter},
                   {key.group, membership.mark, key.user});
  }
  /// Each group with members has an owner.
  bool find_owners() {
    for (std::uint32_t done = 0; done < part && next_senior_ != state_.seniors.end();
         ++done, ++next_senior_) {
      std::optional<UserIndex>& owner = state_.groups[next_senior_->group].owner;
      if (!owner) owner = state_.owner_by_facts(next_senior_->group);
    }
    return next_senior_ == state_.seniors.end();
  }

  DirectoryState& state_;
  std::deque<std::function<bool()>> steps_;
  FillingOf<NameBegin, UserIndex, DirectoryState::UserOrder> users_;
  FillingOf<NameBegin, GroupIndex, DirectoryState::GroupOrder> groups_;
  FillingOf<FileBegin, FileIndex, DirectoryState::FileOrder> files_;
  std::vector<std::uint32_t> rank_;
  FillingOf<MemberBegin, MemberKey, DirectoryState::MemberOrder> members_;
  FillingOf<MemberBegin, MemberKey, DirectoryState::MemberOrder> requests_;
  FillingOf<SeniorBegin, Senior, DirectoryState::SeniorOrder> seniors_;
  OrderedList<Senior, DirectoryState::SeniorOrder>::const_iterator next_senior_;
};

}  // namespace

void DirectoryState::begin_bulk() {
  keeps_lists = false;
  users_by_name.assign({});
  groups_by_name.assign({});
  members_by_name.assign({});
  requests_by_name.assign({});
  files_by_name.assign({});
  seniors.assign({});
}

bool DirectoryState::list_some() {
  if (keeps_lists) return true;
  if (!listing) {
    const auto made = std::make_shared<Listing>(*this);
    listing = [made] { return made->go_on(); };
  }
  if (!listing()) return false;
  listing = {};
  keeps_lists = true;
  return true;
}

}  // namespace tutti
