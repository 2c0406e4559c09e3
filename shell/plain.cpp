#include "shell/plain.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <ctime>

#include "shell/diagnosis.hpp"
#include "shell/printable.hpp"
#include "shell/table.hpp"

namespace tutti {

namespace {

enum class Paint : std::uint8_t { none, good, busy, bad, faint };

std::string painted(std::string_view text, Paint paint, const Style& style) {
  // SGR codes (ECMA-48): the eight colours that every terminal has.
  constexpr std::array<std::string_view, 5> codes{"", "32", "33", "31", "2"};
  if (!style.color || paint == Paint::none) return std::string(text);
  return fmt::format("\x1b[{}m{}\x1b[0m", codes[static_cast<std::size_t>(paint)], text);
}

/// The sentence of a command that is done, with its arguments in the places of {0} and {1}, and what they came to mean in
/// those of {path} and the like.
std::string filled(std::string_view sentence, const Outcome& outcome) {
  std::string result(sentence);
  const auto fill = [&](const std::string& place, const std::string& text) {
    std::size_t at = 0;
    while ((at = result.find(place, at)) != std::string::npos) {
      result.replace(at, place.size(), text);
      at += text.size();
    }
  };
  const std::vector<std::string>& arguments = outcome.invocation.arguments;
  for (std::size_t i = 0; i < arguments.size(); ++i) fill(fmt::format("{{{}}}", i), arguments[i]);
  for (const auto& [field, text] : outcome.further) fill(fmt::format("{{{}}}", field), text);
  return result;
}

std::string line(std::string_view text) { return printable(text) + '\n'; }

std::string listing(const Table& table, bool empty, std::string_view if_empty, const Style& style) {
  if (!style.terminal) return table.first_column();
  return empty ? std::string(if_empty) + '\n' : table.aligned();
}

std::string_view phase_name(const DownloadRow& download) {
  return download_phase_names[static_cast<std::size_t>(download.phase)];
}

bool runs(const DownloadRow& download) {
  return download.phase != DownloadPhase::complete && download.phase != DownloadPhase::failed;
}

std::chrono::seconds time_left(std::uint64_t bytes, std::uint64_t bytes_per_second) {
  return std::chrono::seconds(static_cast<std::int64_t>(bytes / bytes_per_second + 1));
}

std::string count_of(std::size_t number, std::string_view noun) {
  return fmt::format("{} {}{}", number, noun, number == 1 ? "" : "s");
}

/// How far a download is, for the rest of its line on a terminal.
std::string how_far(const DownloadRow& download) {
  if (download.phase == DownloadPhase::complete) return human_size(download.size);
  std::string text =
      fmt::format("{:3}% of {}", percent(download.verified, download.size), human_size(download.size));
  if (download.phase == DownloadPhase::fetching && download.bytes_per_second > 0) {
    const std::uint64_t left = download.size.value - std::min(download.verified.value, download.size.value);
    text += fmt::format("  {}  {} left", human_rate(download.bytes_per_second),
                        human_time(time_left(left, download.bytes_per_second)));
  } else if (download.phase != DownloadPhase::fetching) {
    text += fmt::format("  {}", phase_name(download));
  }
  if (runs(download)) text += "  " + count_of(download.peers, "peer");
  if (!download.sentence.empty()) text += ": " + printable(download.sentence);
  return text;
}

// --- results ---------------------------------------------------------------------------------------------------

std::string text_of(const Done&, const Outcome& outcome, const Style&) {
  const std::string_view sentence = outcome.invocation.command->done;
  return sentence.empty() ? std::string() : line(filled(sentence, outcome));
}

std::string text_of(const LoggedIn& session, const Outcome&, const Style&) {
  std::string text = line(fmt::format("You are logged in as {}.", session.user.text));
  for (const std::string& message : session.messages) text += line(message);
  return text;
}

std::string text_of(const JoinRequests& requests, const Outcome&, const Style& style) {
  Table table({"user"});
  for (const UserName& user : requests.users) table.add({user.text});
  return listing(table, requests.users.empty(), "Nobody asks to join.", style);
}

std::string text_of(const Groups& groups, const Outcome&, const Style& style) {
  Table table({"group", "owner", "members", "you are"});
  for (const GroupRow& row : groups.groups) {
    const std::string_view standing = standing_names[static_cast<std::size_t>(row.standing)];
    table.add({row.group.text, row.owner.text, std::to_string(row.members),
               row.standing == Standing::none ? "" : std::string(standing)});
  }
  return listing(table, groups.groups.empty(), "There is no group yet.", style);
}

std::string text_of(const Members& members, const Outcome&, const Style& style) {
  Table table({"user", "", ""});
  for (const MemberRow& row : members.members)
    table.add({row.user.text, row.owner ? "owner" : "", row.online ? "online" : ""});
  return listing(table, members.members.empty(), "The group has no members.", style);
}

std::string text_of(const Files& files, const Outcome&, const Style& style) {
  Table table({"file", "size", "online", "sharers", "sha1"});
  for (const FileRow& row : files.files)
    table.add({row.file.text + (row.tree ? "/" : ""), human_size(row.size),
               std::to_string(row.sharers_online), std::to_string(row.sharers), row.sha1.hex()});
  return listing(table, files.files.empty(), "Nobody shares a file in this group.", style);
}

std::string text_of(const FileAdded& added, const Outcome& outcome, const Style&) {
  const auto name = std::find_if(outcome.further.begin(), outcome.further.end(),
                                 [](const auto& field) { return field.first == "file"; });
  const std::string file = name == outcome.further.end() ? outcome.invocation.argument(0) : name->second;
  return line(added.existed
                  ? fmt::format("You share {} in {}, as others do.", file, outcome.invocation.argument(1))
                  : fmt::format("You share {} in {}.", file, outcome.invocation.argument(1)));
}

std::string text_of(const PeerListing& peers, const Outcome&, const Style& style) {
  const std::uint32_t pieces = peers.found.metainfo.piece_count();
  // A column more only where there is something to say: scripts of before know three.
  const bool reported = std::any_of(peers.peers.begin(), peers.peers.end(),
                                    [](const PeerShare& peer) { return peer.reports != 0; });
  std::vector<std::string> columns{"user", "address", "has"};
  if (reported) columns.emplace_back("wrong pieces");
  Table table(std::move(columns));
  for (const PeerShare& peer : peers.peers) {
    std::vector<std::string> row{
        peer.user.text, Sharer{peer.user, {}, peer.host, peer.port, 0}.endpoint(),
        peer.answered ? fmt::format("{}%", percent({peer.pieces}, {pieces})) : "unknown"};
    if (reported)
      row.push_back(peer.reports == 0 ? "none reported"
                                      : fmt::format("reported by {}", count_of(peer.reports, "member")));
    table.add(std::move(row));
  }
  if (!style.terminal) return table.separated();
  return listing(table, peers.peers.empty(), "Nobody who shares it is online now.", style);
}

std::string text_of(const Downloads& downloads, const Outcome& outcome, const Style& style) {
  if (outcome.invocation.has(0)) {
    Table table({"", "group", "file", "phase", "done", "size", "rate", "pieces", "peers", "path", ""});
    for (const DownloadRow& row : downloads.downloads)
      table.add({row.phase == DownloadPhase::complete ? "[C]" : "[D]", row.group.text, row.file.text,
                 std::string(phase_name(row)), fmt::format("{}%", percent(row.verified, row.size)),
                 human_size(row.size), human_rate(row.bytes_per_second),
                 fmt::format("{}/{}", row.pieces_verified, row.pieces), std::to_string(row.peers), row.path,
                 row.sentence});
    return downloads.downloads.empty() && style.terminal ? "No downloads.\n" : table.aligned();
  }
  std::string text;
  for (const DownloadRow& row : downloads.downloads) text += download_line(row, style) + '\n';
  return text.empty() && style.terminal ? "No downloads.\n" : text;
}

std::string text_of(const Limits& limits, const Outcome&, const Style& style) {
  Table table({"direction", "rate", "group", "time"});
  for (const RateLimit& limit : limits.limits) {
    const bool all_day = limit.from_minute == limit.until_minute;
    table.add({std::string(limit_direction_names[static_cast<std::size_t>(limit.direction)]),
               style.terminal ? human_rate(limit.bytes_per_second) : std::to_string(limit.bytes_per_second),
               limit.group.empty() ? "(all)" : limit.group,
               all_day
                   ? (style.terminal ? "always" : "")
                   : fmt::format("{}-{}", time_of_day(limit.from_minute), time_of_day(limit.until_minute))});
  }
  if (!style.terminal) return table.separated();
  return limits.limits.empty() ? "There are no limits.\n" : table.aligned();
}

std::string text_of(const DiagnosisReport& report, const Outcome&, const Style&) {
  std::string text;
  for (const std::string& sentence : sentences_of(report)) text += line(sentence);
  return text;
}

std::string tracker_text(const TrackerRow& row) {
  switch (row.health) {
    case TrackerHealth::self: return "answers us";
    case TrackerHealth::in_sync: return "in sync";
    case TrackerHealth::behind: return fmt::format("{} operations behind", row.operations_behind);
    case TrackerHealth::unreachable: return "unreachable";
  }
  return {};
}

std::string text_of(const LinkReport& report, const Outcome& outcome, const Style& style) {
  const LinkStatus& link = report.link;
  if (outcome.invocation.command->name == "whoami") return line(link.user);
  std::string text;
  text += line(link.user.empty() ? "user: not logged in" : fmt::format("user: {}", link.user));
  text += line(fmt::format("serving: {}", link.serving));
  text += line(fmt::format("client: {}", link.client.hex()));
  text += line(link.tracker_number == 0
                   ? "tracker: none answers"
                   : fmt::format("tracker: {} at {}", link.tracker_number, link.tracker_endpoint));
  if (!report.trackers) return text;
  text +=
      line(fmt::format("network: {}, {}, {}", count_of(report.trackers->users, "user"),
                       count_of(report.trackers->groups, "group"), count_of(report.trackers->files, "file")));
  for (const SessionRow& session : report.sessions)
    text += line(fmt::format("session: {} since {:%Y-%m-%d %H:%M}, {}{}", session.client.hex().substr(0, 8),
                             fmt::localtime(static_cast<std::time_t>(session.since / 1000)),
                             session.host.empty() ? "not online" : "at " + session.host,
                             session.asking ? ", this one" : ""));
  Table table({"tracker", "address", "state"});
  for (const TrackerRow& row : report.trackers->trackers)
    table.add({std::to_string(row.number), row.endpoint, tracker_text(row)});
  return text + (style.terminal ? table.aligned() : table.separated());
}

/// Each command with its summary beside it, or under it where the screen is too narrow for that.
std::string help_of_all(const Style& style) {
  constexpr std::size_t least_for_summary = 24;
  std::size_t widest = 0;
  for (const Command& command : command_table()) widest = std::max(widest, usage_of(command).size());
  const std::size_t beside = widest + 2;
  const bool narrow = style.columns > 0 && style.columns < beside + least_for_summary;
  const std::size_t indent = narrow ? 4 : beside;
  std::string text;
  for (const Command& command : command_table()) {
    const std::string usage = usage_of(command);
    if (narrow) text += wrapped(usage, style.columns, indent) + '\n';
    const std::string before = narrow ? std::string() : usage;
    text += wrapped(fmt::format("{:<{}}{}", before, indent, command.summary), style.columns, indent) + '\n';
  }
  return text;
}

std::string text_of(const HelpPage& page, const Outcome&, const Style& style) {
  if (page.about == nullptr) return help_of_all(style);
  const Command& command = *page.about;
  std::string text = usage_of(command) + '\n';
  const auto add = [&](const std::string& sentences) { text += wrapped(sentences, style.columns, 0) + '\n'; };
  add(fmt::format("{}.", command.summary));
  if (!command.details.empty()) add(std::string(command.details));
  if (!command.alias.empty()) add(fmt::format("Also: {}", command.alias));
  if (!command.json.empty()) add(fmt::format("Fields with --json: {}", command.json));
  return text;
}

std::string text_of(const Refused&, const Outcome&, const Style&) { return {}; }

}  // namespace

Printed plain(const Outcome& outcome, const Style& style) {
  if (const Refused* refused = outcome.refused(); refused != nullptr) {
    const std::string error = fmt::format("error: {}:", name_of(refused->code));
    return {{}, painted(error, Paint::bad, style) + ' ' + line(refused->sentence)};
  }
  Printed printed;
  printed.out =
      std::visit([&](const auto& result) { return text_of(result, outcome, style); }, outcome.result);
  if (!outcome.sentence.empty()) {
    const std::string text = remark(outcome.sentence, style);
    (style.terminal ? printed.out : printed.err) += text;
  }
  return printed;
}

std::string download_line(const DownloadRow& download, const Style& style) {
  const bool complete = download.phase == DownloadPhase::complete;
  const Paint paint = complete                                  ? Paint::good
                      : download.phase == DownloadPhase::failed ? Paint::bad
                                                                : Paint::busy;
  std::string text = painted(complete ? "[C]" : "[D]", paint, style);
  text += fmt::format(" [{}] {}", printable(download.group.text), printable(download.file.text));
  if (style.terminal) text += painted("   " + how_far(download), Paint::faint, style);
  return text;
}

std::string progress_line(const std::vector<DownloadRow>& downloads) {
  std::size_t running = 0;
  ByteCount done;
  ByteCount total;
  std::uint64_t rate = 0;
  const DownloadRow* only = nullptr;
  for (const DownloadRow& row : downloads) {
    if (!runs(row) || row.phase == DownloadPhase::paused) continue;
    ++running;
    only = &row;
    done += row.verified;
    total += row.size;
    rate += row.bytes_per_second;
  }
  if (running == 0) return {};
  std::string text = running == 1 ? printable(only->file.text) : count_of(running, "download");
  text += fmt::format("  {}% of {}", percent(done, total), human_size(total));
  if (rate > 0)
    text +=
        fmt::format("  {}  {} left", human_rate(rate), human_time(time_left(total.value - done.value, rate)));
  if (running == 1 && only->phase != DownloadPhase::fetching) text += fmt::format("  {}", phase_name(*only));
  return text;
}

std::string hash_progress_line(const HashProgress& progress) {
  return fmt::format("hashing  {}% of {}", percent(progress.done, progress.total),
                     human_size(progress.total));
}

std::string event_sentence(const TrackerChanged& changed, const Style&) {
  if (!changed.sentence.empty()) return changed.sentence;
  return changed.tracker_number == 0
             ? "No tracker answers; trying on."
             : fmt::format("Tracker {} at {} answers now.", changed.tracker_number, changed.endpoint);
}

std::string event_sentence(const TrackerKeySeen& seen, const Style& style) {
  // To meet a tracker is no failure: a script does not hear of it.
  return seen.trusted && !style.terminal ? std::string() : seen.sentence;
}

std::string event_sentence(const DownloadChanged& changed, const Style& style) {
  const DownloadRow& row = changed.download;
  const std::string reason = row.sentence.empty() ? std::string() : ": " + row.sentence;
  switch (row.phase) {
    case DownloadPhase::failed:
      return fmt::format("The download of {} in {} has failed{}", row.file.text, row.group.text, reason);
    case DownloadPhase::complete:
      return style.terminal ? fmt::format("{} is complete: {}", row.file.text, row.path) : "";
    case DownloadPhase::waiting:
      return style.terminal ? fmt::format("The download of {} waits{}", row.file.text, reason) : "";
    case DownloadPhase::finding:
    case DownloadPhase::fetching:
    case DownloadPhase::checking:
    case DownloadPhase::paused: return {};
  }
  return {};
}

std::string event_sentence(const ShareChanged& changed, const Style&) {
  return fmt::format("[{}] {}: {}", changed.group.text, changed.file.text, changed.sentence);
}

std::string event_sentence(const Notice& notice, const Style&) { return notice.sentence; }

std::string remark(std::string_view sentence, const Style& style) {
  if (style.terminal) return painted(printable(sentence), Paint::faint, style) + '\n';
  return "note: " + line(sentence);
}

}  // namespace tutti
