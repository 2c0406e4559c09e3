#include "shell/completion.hpp"

#include <algorithm>

#include "shell/local_files.hpp"
#include "shell/words.hpp"

namespace tutti {

namespace {

using Missing = Completion::Missing;

/// What can stand for the word, unquoted; the list on the screen shows `label`.
struct Offer {
  std::string text;
  std::string label;
  bool goes_on = false;  ///< a directory: no blank after it
};

std::vector<Offer> plain_offers(const std::vector<std::string>& names) {
  std::vector<Offer> offers;
  for (const std::string& name : names) offers.push_back({name, name});
  return offers;
}

std::vector<Offer> path_offers(const std::string& typed, const LocalFiles& files) {
  const std::size_t slash = typed.rfind('/');
  const std::string directory = slash == std::string::npos ? "" : typed.substr(0, slash + 1);
  const std::string beginning = slash == std::string::npos ? typed : typed.substr(slash + 1);
  std::vector<Offer> offers;
  for (const LocalFiles::Entry& entry : files.list(directory.empty() ? "." : directory)) {
    const bool hidden = entry.name.starts_with('.') && !beginning.starts_with('.');
    if (hidden) continue;
    const std::string tail = entry.directory ? "/" : "";
    offers.push_back({directory + entry.name + tail, entry.name + tail, entry.directory});
  }
  return offers;
}

/// The group that the words before belong to: the nearest argument of that kind.
std::string group_before(const Command& command, const std::vector<Word>& before) {
  for (std::size_t i = before.size(); i-- > 1;)
    if (i - 1 < command.arguments.size() && command.arguments[i - 1].kind == ArgumentKind::group)
      return before[i].text;
  return {};
}

std::vector<Offer> user_offers(const Command& command, const std::string& group, const KnownNames& names,
                               Completion& completion) {
  const bool asks_to_join = command.name == "accept_request" || command.name == "reject_request";
  if (group.empty()) return {};
  completion.missing = asks_to_join ? Missing::requests : Missing::members;
  completion.missing_group = group;
  return plain_offers(asks_to_join ? names.requests(group) : names.members(group));
}

std::vector<Offer> file_offers(const Command& command, const UnfinishedWord& typed, const KnownNames& names,
                               Completion& completion) {
  completion.missing = Missing::files;
  completion.missing_group = group_before(command, typed.before);
  return plain_offers(names.files(completion.missing_group));
}

std::vector<Offer> argument_offers(const Command& command, const Argument& argument,
                                   const UnfinishedWord& typed, const KnownNames& names,
                                   const LocalFiles& files, Completion& completion) {
  switch (argument.kind) {
    case ArgumentKind::group: completion.missing = Missing::groups; return plain_offers(names.groups());
    case ArgumentKind::user:
      return user_offers(command, group_before(command, typed.before), names, completion);
    case ArgumentKind::file: return file_offers(command, typed, names, completion);
    case ArgumentKind::path: return path_offers(typed.word.text, files);
    case ArgumentKind::command: return plain_offers(command_words());
    case ArgumentKind::flag: return plain_offers({std::string(argument.name)});
    case ArgumentKind::choice: return plain_offers(choices_of(argument));
    case ArgumentKind::download:
      completion.missing = Missing::downloads;
      return plain_offers(names.downloads(group_before(command, typed.before)));
    case ArgumentKind::conductor:
    case ArgumentKind::rate:
    case ArgumentKind::window:
    case ArgumentKind::password:
    case ArgumentKind::new_password:
    case ArgumentKind::seconds: return {};
  }
  return {};
}

std::vector<Offer> offers_for(const UnfinishedWord& typed, const KnownNames& names, const LocalFiles& files,
                              Completion& completion) {
  if (typed.before.empty()) return plain_offers(command_words());
  const Command* command = find_command(typed.before.front().text);
  if (command == nullptr) return {};
  UnfinishedWord plain = typed;
  for (std::size_t i = 1; !command->option.empty() && i < plain.before.size();) {
    if (plain.before[i].text != command->option) {
      ++i;
      continue;
    }
    if (i + 1 == plain.before.size()) return {};  // what it says is still to come
    const auto at = plain.before.begin() + static_cast<std::ptrdiff_t>(i);
    plain.before.erase(at, at + 2);
  }
  const std::size_t position = plain.before.size() - 1;
  std::vector<Offer> offers;
  if (position < command->arguments.size())
    offers = argument_offers(*command, command->arguments[position], plain, names, files, completion);
  const bool may_end = position >= command->arguments.size() || command->arguments[position].optional;
  if (may_end && !command->option.empty())
    offers.push_back({std::string(command->option), std::string(command->option)});
  return offers;
}

/// Cut so that no character of several bytes is torn.
void keep_common(std::string& common, const std::string& other) {
  const auto [end, unused] = std::mismatch(common.begin(), common.end(), other.begin(), other.end());
  common.erase(end, common.end());
  while (!common.empty() && !is_utf8(common)) common.pop_back();
}

}  // namespace

void KnownNames::learn(const Groups& groups) {
  groups_.clear();
  for (const GroupRow& row : groups.groups) groups_.push_back(row.group.text);
}
void KnownNames::learn(const std::string& group, const Files& files) {
  std::vector<std::string>& names = files_[group];
  names.clear();
  for (const FileRow& row : files.files) names.push_back(row.file.text);
}
void KnownNames::learn(const std::string& group, const Members& members) {
  std::vector<std::string>& names = members_[group];
  names.clear();
  for (const MemberRow& row : members.members) names.push_back(row.user.text);
}
void KnownNames::learn(const std::string& group, const JoinRequests& requests) {
  std::vector<std::string>& names = requests_[group];
  names.clear();
  for (const UserName& user : requests.users) names.push_back(user.text);
}
void KnownNames::learn(const std::vector<DownloadRow>& downloads) {
  downloads_.clear();
  for (const DownloadRow& row : downloads) {
    std::vector<std::string>& names = downloads_[row.group.text];
    if (std::find(names.begin(), names.end(), row.file.text) == names.end()) names.push_back(row.file.text);
  }
}
void KnownNames::forget() { *this = {}; }

const std::vector<std::string>& KnownNames::of(const ByGroup& names, const std::string& group) {
  static const std::vector<std::string> none;
  const auto found = names.find(group);
  return found == names.end() ? none : found->second;
}

Completion complete(std::string_view line, const KnownNames& names, const LocalFiles& files) {
  const UnfinishedWord typed = split_unfinished(line);
  Completion completion;
  completion.begin = typed.word.begin;
  completion.common = std::string(line.substr(typed.word.begin));
  std::vector<Offer> offers = offers_for(typed, names, files, completion);
  std::sort(offers.begin(), offers.end(), [](const Offer& a, const Offer& b) { return a.text < b.text; });
  const std::string opening = typed.quote == 0 ? std::string() : std::string(1, typed.quote);
  for (const Offer& offer : offers) {
    if (!offer.text.starts_with(typed.word.text)) continue;
    std::string written = opening + quote_word(offer.text, typed.quote);
    // A finished word is closed and followed by a blank; a directory may go on.
    if (completion.candidates.empty()) {
      completion.common = written;
    } else {
      keep_common(completion.common, written);
    }
    if (!offer.goes_on) written += opening + ' ';
    completion.candidates.push_back(std::move(written));
    completion.labels.push_back(offer.label);
  }
  if (completion.candidates.size() == 1) completion.common = completion.candidates.front();
  return completion;
}

}  // namespace tutti
