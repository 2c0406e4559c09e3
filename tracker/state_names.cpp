#include "tracker/state.hpp"

#include <map>

#include "messages/names.hpp"

namespace tutti {

namespace {

constexpr std::size_t file_name_bytes_max = 255;
constexpr std::size_t mark_bytes_max = 24;

/// `base` with the mark of a name lost: `~t2`, `~t2-2` for the second that came through tracker 2. Cut to what a file
/// name may have, between two characters.
std::string lost_name(std::string_view base, std::uint32_t tracker, std::uint32_t nth) {
  std::string mark = "~t" + std::to_string(tracker == 0 ? 1 : tracker);
  if (nth > 1) mark += "-" + std::to_string(nth);
  std::size_t keep = std::min(base.size(), file_name_bytes_max - mark.size());
  while (keep > 0 && keep < base.size() && (static_cast<unsigned char>(base[keep]) & 0xc0U) == 0x80) --keep;
  return std::string(base.substr(0, keep)) + mark;
}

/// The names under which several with one name are listed: the first has it, the others are marked. `is_taken` says of
/// a marked name that somebody chose it, so that it has to be passed over.
template <class Each, class TrackerOf, class IsTaken>
std::vector<std::pair<Each, std::string>> named(std::string_view name, const std::vector<Each>& rivals,
                                                TrackerOf tracker_of, IsTaken is_taken) {
  std::vector<std::pair<Each, std::string>> result;
  std::map<std::uint32_t, std::uint32_t> count_of_tracker;
  for (const Each& each : rivals) {
    if (result.empty()) {
      result.emplace_back(each, std::string(name));
      continue;
    }
    const std::uint32_t tracker = tracker_of(each);
    std::string marked;
    do marked = lost_name(name, tracker, ++count_of_tracker[tracker]);
    while (is_taken(marked));
    result.emplace_back(each, std::move(marked));
  }
  return result;
}

template <class Each, class Listing, class Key>
std::vector<Each> rivals_of(const Listing& listing, const Key& name) {
  const auto [begin, end] = listing.equal_range(name);
  return {begin, end};
}

template <class Each>
std::optional<Each> listed_as(const std::vector<std::pair<Each, std::string>>& called,
                              std::string_view text) {
  for (const auto& [each, name] : called)
    if (name == text) return each;
  return std::nullopt;
}

template <class Each>
std::string name_among(const std::vector<std::pair<Each, std::string>>& called, const Each& who) {
  for (const auto& [each, name] : called)
    if (each == who) return name;
  return {};
}

/// Nobody can choose a name with a mark, except for a file.
bool never_taken(const std::string&) { return false; }

}  // namespace

std::string_view without_mark(std::string_view text) {
  return text.substr(0, text.size() - lost_name_mark(text).size());
}

std::vector<std::pair<UserIndex, std::string>> DirectoryState::users_called(std::string_view name) const {
  const auto rivals = rivals_of<UserIndex>(users_by_name, name);
  return named(
      name, rivals, [&](UserIndex each) { return users[each].claim.tracker; }, never_taken);
}

std::vector<std::pair<GroupIndex, std::string>> DirectoryState::groups_called(std::string_view name) const {
  const auto rivals = rivals_of<GroupIndex>(groups_by_name, name);
  return named(
      name, rivals, [&](GroupIndex each) { return groups[each].claim.tracker; }, never_taken);
}

std::vector<std::pair<FileIndex, std::string>> DirectoryState::files_called(const NameIn& name) const {
  const auto rivals = rivals_of<FileIndex>(files_by_name, name);
  const auto is_taken = [&](const std::string& text) {
    return files_by_name.find(NameIn{name.group, text}) != files_by_name.end();
  };
  return named(
      name.name, rivals, [&](FileIndex each) { return files[each].tracker; }, is_taken);
}

std::optional<UserIndex> DirectoryState::find_user(std::string_view text) const {
  if (const auto found = users_by_name.find(text); found != users_by_name.end())
    return *users_by_name.lower_bound(text);
  return listed_as(users_called(without_mark(text)), text);
}

std::optional<GroupIndex> DirectoryState::find_group(std::string_view text) const {
  if (const auto found = groups_by_name.find(text); found != groups_by_name.end())
    return *groups_by_name.lower_bound(text);
  return listed_as(groups_called(without_mark(text)), text);
}

std::optional<FileIndex> DirectoryState::find_file(const NameIn& text) const {
  if (const auto found = files_by_name.find(text); found != files_by_name.end())
    return *files_by_name.lower_bound(text);
  const std::string_view base = without_mark(text.name);
  if (base.size() == text.name.size()) return std::nullopt;
  if (const auto found = listed_as(files_called({text.group, base}), text.name)) return found;
  // A long name was cut to make room for the mark: what begins like this and is long enough may be meant.
  if (base.size() + mark_bytes_max < file_name_bytes_max) return std::nullopt;
  for (auto at = files_by_name.lower_bound(NameIn{text.group, base});
       at != files_by_name.end() && files[*at].group == text.group && files[*at].name.starts_with(base);
       ++at) {
    if (const auto found = listed_as(files_called({text.group, files[*at].name}), text.name)) return found;
  }
  return std::nullopt;
}

std::string DirectoryState::listed_name(UserIndex user) const {
  const UserRow& row = users[user];
  return row.is_listed() ? name_among(users_called(row.claim.name), user) : std::string{};
}

std::string DirectoryState::listed_name(GroupIndex group) const {
  const GroupRecord& row = groups[group];
  if (!row.claim.known) return {};
  return row.members == 0 ? row.claim.name : name_among(groups_called(row.claim.name), group);
}

std::string DirectoryState::listed_name(FileIndex file) const {
  const FileRecord& row = files[file];
  return row.is_alive() ? name_among(files_called({row.group, row.name}), file) : row.name;
}

}  // namespace tutti
