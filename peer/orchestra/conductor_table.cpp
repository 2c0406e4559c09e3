#include "peer/orchestra/conductor_table.hpp"

#include <utility>

#include "actors/ensure.hpp"
#include "peer/orchestra/conductor_words.hpp"
#include "peer/orchestra/orch_words.hpp"

namespace tutti {

std::vector<Payload> ConductorTable::answer_of(const FileKey& key, File& file) {
  if (std::exchange(file.lines_are_stale, false)) {
    file.lines.clear();
    file.last_lines.clear();
    for (const auto& [place, member] : file.order) add_line(file, member);
  }
  std::vector<Payload> text{orch_payload(conductor_send_head(key.first, key.second, file.order.size()))};
  text.insert(text.end(), file.lines.begin(), file.lines.end());
  if (!file.last_lines.empty()) text.push_back(orch_payload(file.last_lines));
  return text;
}

void ConductorTable::add_line(File& file, const std::string& member) {
  file.last_lines.append(member).append("\r\n");
  if (file.last_lines.size() < run_size) return;
  file.lines.push_back(orch_payload(file.last_lines));
  file.last_lines.clear();
}

ConductorTable::Answer ConductorTable::asked(const std::string& name, const std::string& sha1,
                                             const std::string& member, Instant now) {
  const FileKey key{name, sha1};
  Answer answer;
  const auto known_file = files_.find(key);
  if (known_file == files_.end()) {
    answer.text.push_back(orch_payload(conductor_none(name, sha1)));
  } else {
    answer.text = answer_of(key, known_file->second);
  }
  File* file = known_file == files_.end() ? nullptr : &known_file->second;
  if (const auto known = file == nullptr ? decltype(File::members)::iterator{} : file->members.find(member);
      file != nullptr && known != file->members.end()) {
    auto entry = silent_.extract({known->second.heard, known->second.place});
    known->second.heard = now;
    entry.key() = {now, known->second.place};
    silent_.insert(std::move(entry));
    return answer;
  }
  answer.is_new = true;
  while (silent_.size() >= members_max) drop_oldest();
  File& joined = files_[key];
  const Member here{++last_place_, now};
  joined.members.emplace(member, here);
  joined.order.emplace(here.place, member);
  if (!joined.lines_are_stale) add_line(joined, member);
  silent_.emplace(SilentKey{now, here.place}, Silent{key, member});
  return answer;
}

ConductorTable::Gone ConductorTable::drop_oldest() {
  const auto oldest = silent_.begin();
  const Silent who = oldest->second;
  const auto file = files_.find(who.file);
  file->second.members.erase(who.member);
  file->second.order.erase(oldest->first.second);
  file->second.lines_are_stale = true;
  if (file->second.members.empty()) files_.erase(file);
  silent_.erase(oldest);
  return {who.file.first, who.member};
}

std::vector<ConductorTable::Gone> ConductorTable::forget(Instant now) {
  std::vector<Gone> gone;
  while (!silent_.empty() && silent_.begin()->first.first + forgotten_after_ <= now)
    gone.push_back(drop_oldest());
  return gone;
}

std::optional<Instant> ConductorTable::forget_at() const {
  if (silent_.empty()) return std::nullopt;
  return silent_.begin()->first.first + forgotten_after_;
}

std::vector<ConductorTable::Row> ConductorTable::rows() const {
  std::vector<Row> rows;
  for (const auto& [key, file] : files_) {
    Row& row = rows.emplace_back(Row{key.first, key.second, {}});
    for (const auto& [place, member] : file.order) row.members.push_back(member);
  }
  return rows;
}

void ConductorTable::check_invariants() const {
  std::size_t members = 0;
  for (const auto& [key, file] : files_) {
    ENSURE(!file.members.empty() && file.members.size() == file.order.size());
    for (const auto& [name, member] : file.members) {
      ENSURE(file.order.at(member.place) == name);
      ENSURE((silent_.at({member.heard, member.place}) == Silent{key, name}));
    }
    members += file.members.size();
  }
  ENSURE(members == silent_.size() && members <= members_max);
}

}  // namespace tutti
