#include "peer/orchestra/conductor_table.hpp"

#include <iterator>
#include <utility>

#include "actors/ensure.hpp"
#include "peer/orchestra/conductor_words.hpp"
#include "peer/orchestra/orch_words.hpp"

namespace tutti {

namespace {

std::string host_of(const std::string& member) { return member.substr(0, member.rfind(':')); }

}  // namespace

std::vector<Payload> ConductorTable::answer_of(const FileKey& key, File& file) {
  std::vector<Payload> text{orch_payload(conductor_send_head(key.first, key.second, file.order.size()))};
  for (auto& [first, run] : file.runs) {
    if (run.lines.empty()) {
      std::string lines;
      auto member = file.order.lower_bound(first);
      for (std::size_t i = 0; i < run.members; ++i, ++member) lines.append(member->second).append("\r\n");
      run.lines = orch_payload(lines);
    }
    text.push_back(run.lines);
  }
  return text;
}

void ConductorTable::join_run(File& file, std::uint64_t place) {
  if (file.runs.empty() || file.runs.rbegin()->second.members >= run_members) file.runs.emplace(place, Run{});
  Run& last = file.runs.rbegin()->second;
  ++last.members;
  last.lines = {};
}

/// Short runs become one with the next or the one before: else those who stay long would have one each in the end.
void ConductorTable::leave_run(File& file, std::uint64_t place) {
  auto run = std::prev(file.runs.upper_bound(place));
  run->second.lines = {};
  if (--run->second.members == 0) {
    file.runs.erase(run);
    return;
  }
  const auto take_next = [&] {
    const auto next = std::next(run);
    if (next == file.runs.end() || run->second.members + next->second.members > run_members / 2) return;
    run->second.members += next->second.members;
    run->second.lines = {};
    file.runs.erase(next);
  };
  take_next();
  if (run == file.runs.begin()) return;
  --run;
  take_next();
}

ConductorTable::Answer ConductorTable::asked(const std::string& name, const std::string& sha1,
                                             const std::string& member, Instant now) {
  const FileKey key{name, sha1};
  Answer answer;
  if (const auto file = files_.find(key); file == files_.end()) {
    answer.text.push_back(orch_payload(conductor_none(name, sha1)));
  } else {
    answer.text = answer_of(key, file->second);
    if (const auto known = file->second.members.find(member); known != file->second.members.end()) {
      heard_again(known->second, now);
      return answer;
    }
  }
  answer.is_new = true;
  const std::string host = host_of(member);
  const Silent newcomer{key, member};
  make_room_for(host, text_of(newcomer));
  File& joined = files_[key];
  const Member here{++last_place_, now};
  joined.members.emplace(member, here);
  joined.order.emplace(here.place, member);
  join_run(joined, here.place);
  Host& of_host = hosts_[host];
  of_host.silent.insert({now, here.place});
  of_host.text += text_of(newcomer);
  text_ += text_of(newcomer);
  silent_.emplace(SilentKey{now, here.place}, newcomer);
  return answer;
}

void ConductorTable::heard_again(Member& member, Instant now) {
  auto entry = silent_.extract({member.heard, member.place});
  std::set<SilentKey>& of_host = hosts_.at(host_of(entry.mapped().member)).silent;
  of_host.erase(entry.key());
  member.heard = now;
  entry.key() = {now, member.place};
  of_host.insert(entry.key());
  silent_.insert(std::move(entry));
}

/// What a member costs: it names its file here, and that has a name of its own.
std::size_t ConductorTable::text_of(const Silent& member) {
  constexpr std::size_t members_kept =
      4;  // here, among those of its file by name and by place, and in an answer
  return 2 * (member.file.first.size() + member.file.second.size()) + members_kept * member.member.size();
}

void ConductorTable::make_room_for(const std::string& host, std::size_t text) {
  for (auto known = hosts_.find(host);
       known != hosts_.end() &&
       (known->second.silent.size() >= members_of_host_max || known->second.text + text > text_of_host_max);
       known = hosts_.find(host))
    drop(*known->second.silent.begin());
  while (!silent_.empty() && (silent_.size() >= members_max || text_ + text > text_max))
    drop(silent_.begin()->first);
}

ConductorTable::Gone ConductorTable::drop(const SilentKey& who) {
  const auto entry = silent_.extract(who);
  const Silent& member = entry.mapped();
  const auto host = hosts_.find(host_of(member.member));
  host->second.silent.erase(entry.key());
  host->second.text -= text_of(member);
  text_ -= text_of(member);
  if (host->second.silent.empty()) hosts_.erase(host);
  const auto file = files_.find(member.file);
  file->second.members.erase(member.member);
  leave_run(file->second, entry.key().second);
  file->second.order.erase(entry.key().second);
  if (file->second.members.empty()) files_.erase(file);
  return {member.file.first, member.member};
}

std::vector<ConductorTable::Gone> ConductorTable::forget(Instant now) {
  std::vector<Gone> gone;
  while (!silent_.empty() && silent_.begin()->first.first + forgotten_after_ <= now)
    gone.push_back(drop(silent_.begin()->first));
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
  std::size_t of_hosts = 0;
  std::size_t text = 0;
  for (const auto& [name, host] : hosts_) {
    ENSURE(!host.silent.empty() && host.silent.size() <= members_of_host_max);
    ENSURE(host.text <= text_of_host_max);
    of_hosts += host.silent.size();
    text += host.text;
  }
  ENSURE(text == text_ && text_ <= text_max);
  for (const auto& [key, file] : files_) {
    ENSURE(!file.members.empty() && file.members.size() == file.order.size());
    std::size_t in_runs = 0;
    for (const auto& [first, run] : file.runs) in_runs += run.members;
    ENSURE(in_runs == file.order.size());
    for (const auto& [name, member] : file.members) {
      ENSURE(file.order.at(member.place) == name);
      ENSURE((silent_.at({member.heard, member.place}) == Silent{key, name}));
    }
    members += file.members.size();
  }
  ENSURE(members == silent_.size() && members == of_hosts && members <= members_max);
}

}  // namespace tutti
