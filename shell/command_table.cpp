#include <algorithm>
#include <charconv>
#include <cmath>

#include "shell/command.hpp"
#include "shell/local_files.hpp"

namespace tutti {

namespace {

GroupName group_at(const Invocation& invocation, std::size_t position) {
  return {invocation.argument(position)};
}
UserName user_at(const Invocation& invocation, std::size_t position) {
  return {invocation.argument(position)};
}
FileName file_at(const Invocation& invocation, std::size_t position) {
  return {invocation.argument(position)};
}

// --- errands: what each command makes the shell do --------------------------------------------------------------

Errand create_user(const Invocation& given, const LocalFiles&) {
  return AskTrackers{CreateUser{user_at(given, 0), given.argument(1)}};
}
Errand login(const Invocation& given, const LocalFiles&) {
  return AskTrackers{Login{user_at(given, 0), given.argument(1), {}, 0}};
}
Errand passwd(const Invocation& given, const LocalFiles&) {
  return AskTrackers{ChangePassword{given.argument(0), given.argument(1)}};
}
Errand logout(const Invocation&, const LocalFiles&) { return AskTrackers{Logout{}}; }
Errand create_group(const Invocation& given, const LocalFiles&) {
  return AskTrackers{CreateGroup{group_at(given, 0)}};
}
Errand join_group(const Invocation& given, const LocalFiles&) {
  return AskTrackers{JoinGroup{group_at(given, 0)}};
}
Errand leave_group(const Invocation& given, const LocalFiles&) {
  return AskTrackers{LeaveGroup{group_at(given, 0)}};
}
Errand list_requests(const Invocation& given, const LocalFiles&) {
  return AskTrackers{ListRequests{group_at(given, 0), {}}};
}
Errand accept_request(const Invocation& given, const LocalFiles&) {
  return AskTrackers{AcceptRequest{group_at(given, 0), user_at(given, 1)}};
}
Errand remove_member(const Invocation& given, const LocalFiles&) {
  return AskTrackers{RemoveMember{group_at(given, 0), user_at(given, 1)}};
}
Errand reject_request(const Invocation& given, const LocalFiles&) {
  return AskTrackers{RejectRequest{group_at(given, 0), user_at(given, 1)}};
}
Errand transfer_group(const Invocation& given, const LocalFiles&) {
  return AskTrackers{TransferGroup{group_at(given, 0), user_at(given, 1)}};
}
Errand list_groups(const Invocation&, const LocalFiles&) { return AskTrackers{ListGroups{}}; }
Errand list_members(const Invocation& given, const LocalFiles&) {
  return AskTrackers{ListMembers{group_at(given, 0), {}}};
}
Errand list_files(const Invocation& given, const LocalFiles&) {
  return AskTrackers{ListFiles{group_at(given, 0), {}}};
}
Errand list_peers(const Invocation& given, const LocalFiles&) {
  return SurveySharers{group_at(given, 0), file_at(given, 1)};
}
Errand upload_file(const Invocation& given, const LocalFiles&) {
  return ShareLocalFile{given.argument(0), group_at(given, 1)};
}
Errand stop_share(const Invocation& given, const LocalFiles&) {
  return StopSharing{group_at(given, 0), file_at(given, 1)};
}
Errand download_file(const Invocation& given, const LocalFiles& files) {
  const std::string& typed = given.argument(2);
  std::string destination = files.absolute(typed);
  // A slash at the end says "a directory", which the shortest form of a path would forget.
  if (typed.ends_with('/') && !destination.ends_with('/')) destination += '/';
  return Fetch{group_at(given, 0), file_at(given, 1), std::move(destination), given.has(3), given.options};
}

/// A directory means a file in it that is called as the shared one.
Errand export_orch(const Invocation& given, const LocalFiles& files) {
  const std::string name = given.argument(1) + ".orch";
  const std::string typed = given.has(3) ? given.argument(3) : name;
  const bool is_folder = typed.ends_with('/') || files.kind_of(typed) == LocalFiles::Kind::directory;
  return Export{group_at(given, 0), file_at(given, 1), given.has(2) ? given.argument(2) : "localhost:9999",
                files.absolute(is_folder ? typed + "/" + name : typed)};
}

// --- what a user wants done with downloads ---------------------------------------------------------------------

/// The downloads that the first two words name, and the destination at `position` if there is one.
DownloadName named(const Invocation& given, const LocalFiles& files, std::size_t position) {
  return {group_at(given, 0), file_at(given, 1),
          given.has(position) ? files.absolute(given.argument(position)) : std::string()};
}
Errand control_some(const Invocation& given, const LocalFiles& files, DownloadOrder order) {
  return Control{order, named(given, files, 2), {}};
}
/// Without a file: all downloads of the user.
Errand control_all(const Invocation& given, const LocalFiles& files, DownloadOrder order) {
  if (!given.has(0)) return Control{order, std::nullopt, {}};
  if (!given.has(1))
    return Refused{Code::usage, "a group alone names no download; expected: " + usage_of(*given.command)};
  return control_some(given, files, order);
}
Errand pause(const Invocation& given, const LocalFiles& files) {
  return control_all(given, files, DownloadOrder::pause);
}
Errand resume(const Invocation& given, const LocalFiles& files) {
  return control_all(given, files, DownloadOrder::resume);
}
Errand cancel(const Invocation& given, const LocalFiles& files) {
  return control_some(given, files, DownloadOrder::cancel);
}
Errand recheck(const Invocation& given, const LocalFiles& files) {
  return control_some(given, files, DownloadOrder::recheck);
}
Errand set_priority(const Invocation& given, const LocalFiles& files) {
  const std::string& word = given.argument(2);
  const auto& names = download_priority_names;
  const auto position = std::find(names.begin(), names.end(), word) - names.begin();
  return Control{DownloadOrder::prioritize, named(given, files, 3), static_cast<DownloadPriority>(position)};
}
Errand diagnose(const Invocation& given, const LocalFiles&) {
  return Diagnose{group_at(given, 0), file_at(given, 1)};
}

/// A time of day may stand in the place of the group.
void arrange_limit(Invocation& given, const LocalFiles&) {
  if (given.arguments.size() == 3 && given.argument(2).find(':') != std::string::npos)
    given.arguments.insert(given.arguments.begin() + 2, std::string());
}
Errand set_limit(const Invocation& given, const LocalFiles&) {
  if (!given.has(0)) return ChangeLimits{};
  const auto usage = [&](std::string_view what) {
    return Refused{Code::usage, std::string(what) + "; expected: " + usage_of(*given.command)};
  };
  if (!given.has(1)) return usage("a limit needs a rate, or none");
  RateLimit limit;
  limit.direction = given.argument(0) == "up" ? LimitDirection::up : LimitDirection::down;
  limit.bytes_per_second = *parse_rate(given.argument(1));
  if (given.has(2)) limit.group = given.argument(2);
  if (given.has(3)) {
    const auto window = parse_window(given.argument(3));
    if (!window) return usage("'" + given.argument(3) + "' is no time of day such as 08:00-18:30");
    limit.from_minute = window->first;
    limit.until_minute = window->second;
  }
  return ChangeLimits{limit};
}
Errand show_downloads(const Invocation& given, const LocalFiles&) { return ShowDownloads{given.has(0)}; }
Errand wait(const Invocation& given, const LocalFiles&) {
  if (!given.has(0)) return Wait{};
  double seconds = 0;
  const std::string& text = given.argument(0);
  std::from_chars(text.data(), text.data() + text.size(), seconds);
  return Wait{std::chrono::milliseconds(std::llround(seconds * 1000))};
}
Errand serve(const Invocation&, const LocalFiles&) { return Serve{}; }
Errand whoami(const Invocation&, const LocalFiles&) { return ShowLink{false}; }
Errand status(const Invocation&, const LocalFiles&) { return ShowLink{true}; }
Errand help(const Invocation& given, const LocalFiles&) {
  return ShowHelp{given.has(0) ? find_command(given.argument(0)) : nullptr};
}
Errand trace(const Invocation& given, const LocalFiles& files) {
  const bool start = given.argument(0) == "start";
  if (start != given.has(1))
    return Refused{Code::usage, start ? "trace start needs the file to write: trace start FILE"
                                      : "trace stop takes nothing more"};
  return SwitchTrace{start ? files.absolute(given.argument(1)) : std::string()};
}
Errand quit(const Invocation&, const LocalFiles&) { return Quit{}; }

// --- upload_file's two orders ----------------------------------------------------------------------------------

/// How much an argument looks like the file. What exists says most; then, what cannot be a group's name.
int likeness_to_a_file(const std::string& argument, const LocalFiles& files) {
  const LocalFiles::Kind kind = files.kind_of(argument);
  if (kind == LocalFiles::Kind::regular) return 3;
  if (kind != LocalFiles::Kind::missing) return 2;
  return GroupName{argument}.fault().empty() ? 0 : 1;
}

/// `upload_file GROUP FILE` is understood too, where the second argument is more of a file than the first.
void arrange_upload(Invocation& given, const LocalFiles& files) {
  if (likeness_to_a_file(given.arguments[1], files) > likeness_to_a_file(given.arguments[0], files))
    std::swap(given.arguments[0], given.arguments[1]);
}

// --- the rows --------------------------------------------------------------------------------------------------

constexpr Argument user{"user_id", ArgumentKind::user};
constexpr Argument password{"passwd", ArgumentKind::password, true};
constexpr Argument group{"group_id", ArgumentKind::group};
constexpr Argument file{"file_name", ArgumentKind::file};
constexpr Argument download{"file_name", ArgumentKind::download};
constexpr Argument place{"destination_path", ArgumentKind::path, true};
constexpr auto needed = LoginRule::needed;

constexpr Argument left_out(Argument argument) {
  argument.optional = true;
  return argument;
}

std::vector<Command> account_commands() {
  return {
      {.name = "create_user",
       .arguments = {user, password},
       .makes_password = true,
       .summary = "Make an account",
       .details =
           "Without a password you are asked for one, twice; a script takes it from --password-file or "
           "TUTTI_PASSWORD.",
       .done = "The account {0} is made. Log in with: login {0}",
       .json = "user",
       .errand = create_user},
      {.name = "login",
       .arguments = {user, password},
       .login = LoginRule::forbidden,
       .summary = "Log in; what you shared before is shared again",
       .details =
           "Unfinished downloads go on. Without a password you are asked for one; a script takes it from "
           "--password-file or TUTTI_PASSWORD.",
       .json = "user, messages (a list of sentences for the user)",
       .errand = login},
      {.name = "logout",
       .login = needed,
       .summary = "Log out; sharing and downloads pause until you log in again",
       .done = "You are logged out. Nothing is shared until you log in again.",
       .errand = logout},
      {.name = "passwd",
       .arguments = {{"old_passwd", ArgumentKind::password, true},
                     {"new_passwd", ArgumentKind::new_password, true}},
       .login = needed,
       .summary = "Change your password; you are logged out everywhere else",
       .details =
           "What is left out you are asked for, the new password twice; a script takes the old one from the "
           "first line of --password-file or TUTTI_PASSWORD, the new one from the second line or "
           "TUTTI_NEW_PASSWORD.",
       .done = "Your password is changed, and you are logged out everywhere but here.",
       .errand = passwd},
      {.name = "whoami",
       .login = needed,
       .summary = "Say who is logged in here",
       .json = "user, client (public key, hex), serving (ip:port), tracker (null: none answers): number, "
               "endpoint",
       .errand = whoami},
  };
}

std::vector<Command> group_commands() {
  return {
      {.name = "create_group",
       .arguments = {group},
       .login = needed,
       .summary = "Make a group that you own",
       .done = "The group {0} is made; you are its owner.",
       .json = "group",
       .errand = create_group},
      {.name = "join_group",
       .arguments = {group},
       .login = needed,
       .summary = "Ask the owner of a group to let you in",
       .done = "The owner of {0} has been asked to let you in.",
       .json = "group",
       .errand = join_group},
      {.name = "leave_group",
       .arguments = {group},
       .login = needed,
       .summary = "Leave a group, or take your request to join back",
       .details =
           "When the owner leaves, the longest-standing member becomes the owner. A group whose last member "
           "leaves is gone.",
       .done = "You have left {0}.",
       .json = "group",
       .errand = leave_group},
      {.name = "list_groups",
       .login = needed,
       .summary = "List all groups of the network",
       .json = "groups: group, owner, members (number), standing (none, requested, member, owner)",
       .errand = list_groups},
      {.name = "list_members",
       .arguments = {group},
       .login = needed,
       .summary = "List the members of your group",
       .json = "group, members: user, owner, online",
       .errand = list_members},
      {.name = "list_requests",
       .arguments = {group},
       .login = needed,
       .summary = "List who asks to join your group",
       .details = "For the owner of the group.",
       .json = "group, requests (user names)",
       .errand = list_requests},
      {.name = "accept_request",
       .arguments = {group, user},
       .login = needed,
       .summary = "Let somebody who asked into your group",
       .details = "For the owner of the group.",
       .done = "{1} is a member of {0} now.",
       .json = "group, user",
       .errand = accept_request},
      {.name = "reject_request",
       .arguments = {group, user},
       .login = needed,
       .summary = "Turn somebody down who asked to join your group",
       .details = "For the owner of the group.",
       .done = "The request of {1} to join {0} is turned down.",
       .json = "group, user",
       .errand = reject_request},
      {.name = "remove_member",
       .arguments = {group, user},
       .login = needed,
       .summary = "End somebody's membership in your group",
       .details = "For the owner of the group. Whoever is removed is not served in it any more, and may ask "
                  "to join again.",
       .done = "{1} is not a member of {0} any more.",
       .json = "group, user",
       .errand = remove_member},
      {.name = "transfer_group",
       .arguments = {group, user},
       .login = needed,
       .summary = "Give a group that you own to another member",
       .details = "For the owner of the group, who stays in it as a member.",
       .done = "{1} is the owner of {0} now.",
       .json = "group, user",
       .errand = transfer_group},
  };
}

std::vector<Command> file_commands() {
  return {
      {.name = "upload_file",
       .arguments = {{"file_path", ArgumentKind::path}, group},
       .login = needed,
       .summary = "Share a file or directory of yours in a group",
       .details =
           "It stays where it is; the trackers learn its name, size and hashes. The two arguments may stand "
           "in "
           "the other order as well. A symbolic link shares the file that it leads to. A directory is shared "
           "with all that is in it as one file; links and special files in it are left out, and named.",
       .json = "path, group, file, existed (somebody shared the same file before)",
       .errand = upload_file,
       .arrange = arrange_upload},
      {.name = "list_files",
       .arguments = {group},
       .login = needed,
       .summary = "List the files shared in your group",
       .details = "A directory has a slash behind its name, which you need not type.",
       .json = "group, files: file, size (bytes), sharers, sharers_online, sha1, directory (true or false)",
       .errand = list_files},
      {.name = "list_peers",
       .arguments = {group, file},
       .login = needed,
       .summary = "List who shares a file now, and how much of it each has",
       .details =
           "Where members have got wrong pieces of it from somebody in the last hour, their number is shown. "
           "That is their word; his client looks at its disk when it hears of it.",
       .json = "group, file, size (bytes), sha1, pieces, piece_length, peers: user, host, port, "
               "pieces_verified, percent (null: does not answer), reported_by (members who got wrong pieces "
               "of it there)",
       .errand = list_peers},
      {.name = "download_file",
       .arguments = {group,
                     file,
                     {"destination_path", ArgumentKind::path},
                     {"--sequential", ArgumentKind::flag, true}},
       .option = "--only",
       .option_value = "GLOB",
       .login = needed,
       .summary = "Fetch a file or directory from everybody who shares it",
       .details =
           "The destination is a directory (the file keeps its name) or a path for the file; nothing is ever "
           "overwritten. The command returns when the download runs: see show_downloads and wait. What has "
           "been fetched is shared with the group at once. --sequential fetches from the start on, for who "
           "begins to read it before it is complete; without it the order is what makes the group fastest. "
           "Of a "
           "directory only what is not at the destination yet is fetched; --only, as often as you like, "
           "chooses "
           "what is wanted of it: * and ? stay within a name, ** does not, [a-z] is one character, and the "
           "name "
           "of a directory means all that is in it.",
       .done = "The download of {1} runs.",
       .json = "group, file, destination",
       .errand = download_file},
      {.name = "show_downloads",
       .alias = "Show_downloads",
       .arguments = {{"-l", ArgumentKind::flag, true}},
       .login = needed,
       .summary = "List your downloads: [D] runs, [C] complete",
       .details = "On a terminal with percent, rate, time left and peers; -l shows everything. What is not "
                  "complete is [D], "
                  "also while it waits or after it failed; the rest of the line says so.",
       .json =
           "downloads: group, file, path, phase, size, verified (bytes), percent, bytes_per_second, pieces, "
           "pieces_verified, peers, priority, sequential; code and message when there is more to say",
       .errand = show_downloads},
      {.name = "stop_share",
       .arguments = {group, file},
       .login = needed,
       .summary = "Stop sharing a file",
       .done = "You do not share {1} in {0} any more.",
       .json = "group, file",
       .errand = stop_share},
      {.name = "export_orch",
       .arguments =
           {group, file, {"conductor", ArgumentKind::conductor, true}, {"path", ArgumentKind::path, true}},
       .login = needed,
       .summary = "Write the .orch file by which members of an Orchestra share a file of your group",
       .details =
           "The conductor is where its members meet, ip:port or host:port (default: localhost:9999); the "
           "path is "
           "that of the new file, or a directory for it (default: the file's name with .orch, here). Nothing "
           "is "
           "overwritten. Nothing of the file is read, so you need not have it. A client that was started "
           "with "
           "--orchestra serves the file to members from then on while you share it, also outside the group.",
       .done = "{1} can be shared in an Orchestra by {path}.",
       .json = "group, file, path, conductor, message (if the original members cannot share it)",
       .errand = export_orch},
      {.name = "wait",
       .arguments = {{"seconds", ArgumentKind::seconds, true}},
       .login = needed,
       .summary = "Wait until no download runs; fails if one failed or is paused",
       .details =
           "With a number of seconds: fails with `timeout` if more is still to come by then. A paused "
           "download is not waited for: if one is left when no other runs, wait fails with `unfinished`.",
       .done = "All downloads are complete.",
       .errand = wait},
      {.name = "serve",
       .login = needed,
       .summary = "Share on until the program is told to stop",
       .details = "For scripts: ends with Ctrl-C or a signal (SIGINT, SIGTERM, SIGHUP).",
       .done = "Stopped serving.",
       .errand = serve},
  };
}

std::vector<Command> download_commands() {
  return {
      {.name = "pause",
       .arguments = {left_out(group), left_out(download), place},
       .login = needed,
       .summary = "Pause a download, or all of yours",
       .details =
           "It stays paused over logouts and restarts until you resume it, and what it has is shared on. "
           "Where the file is fetched to several places, all of them, or the one that you name.",
       .done = "Paused.",
       .json = "group, file, destination (as far as given)",
       .errand = pause},
      {.name = "resume",
       .arguments = {left_out(group), left_out(download), place},
       .login = needed,
       .summary = "Let a paused download go on, or all of yours",
       .details = "A download that is named and has failed is tried again.",
       .done = "Resumed.",
       .json = "group, file, destination (as far as given)",
       .errand = resume},
      {.name = "cancel",
       .arguments = {group, download, place},
       .login = needed,
       .summary = "End a download and forget it",
       .details =
           "What has come of it is removed, and not shared any more. One that is complete or has failed "
           "only leaves the list: its file, or what there is of it, stays.",
       .done = "The download of {1} is cancelled.",
       .json = "group, file, destination (as far as given)",
       .errand = cancel},
      {.name = "recheck",
       .arguments = {group, download, place},
       .login = needed,
       .summary = "Hash again what is on the disk, and fetch what is wrong",
       .details =
           "Of a download that runs, is paused or has failed, or of a complete one. It returns at once: "
           "show_downloads says how far it is, wait waits for it. A complete file that turns out wrong is "
           "a download again until it is right.",
       .done = "{1} is hashed again: see show_downloads.",
       .json = "group, file, destination (as far as given)",
       .errand = recheck},
      {.name = "set_priority",
       .arguments = {group, download, {"low|normal|high", ArgumentKind::choice}, place},
       .login = needed,
       .summary = "Say how much of the line a download gets beside others",
       .details = "high gets 9 parts where normal gets 3 and low 1, of turns, of pieces at a source and of a "
                  "limit; none gets nothing.",
       .done = "The priority of {1} is {2} now.",
       .json = "group, file, destination (as far as given)",
       .errand = set_priority},
      {.name = "set_limit",
       .arguments = {{"up|down", ArgumentKind::choice, true},
                     {"rate", ArgumentKind::rate, true},
                     left_out(group),
                     {"HH:MM-HH:MM", ArgumentKind::window, true}},
       .summary = "Limit what is sent or fetched, or list the limits",
       .details =
           "The rate is in bytes a second: 500K, 2M, 1G (powers of 1024), or none to lift the limit. Of all "
           "groups together or of one; all day or at a time of day (local time, over midnight if the second "
           "is "
           "earlier). Limits hold at once, for everybody who uses this state folder, until they are lifted; "
           "of "
           "several that hold at a moment the lowest counts.",
       .json =
           "group (if given), limits: direction, group (null: all), bytes_per_second, from, until (HH:MM; "
           "null: all day)",
       .errand = set_limit,
       .arrange = arrange_limit},
      {.name = "diagnose",
       .arguments = {group, file},
       .login = needed,
       .summary = "Say why a file comes, or goes, as fast as it does",
       .details =
           "Of a download: what is missing at its sources, who is slow, limits, turns, disk. Of a file "
           "that you share: who fetches it. Pieces are counted from 0.",
       .json =
           "group, file, tracker_answers, sentences; downloads: as in show_downloads, limit (bytes per "
           "second; null: none), waits_for_limit, before_it (downloads whose turn comes first; null: it has "
           "one), sharers_unknown, pieces_without_source, without_source (ranges: "
           "first, last), sources: user, endpoint, state (unreachable, admission, nothing_for_us, asked, "
           "idle), since_ms, silent_ms, bytes_per_second, asked, unwritten (bytes), way (sealed, curve, "
           "sealed_unreachable), sealed_port (null: it has said none), window (bytes that may be under way), "
           "answers_in_us (at best; 0: not known); writing (null: nothing "
           "came of late): "
           "block_us (from coming to being written), hashing_percent, writing_percent (of the time); share "
           "(null: not shared): pieces, pieces_served, limit, waits_for_limit, reads, leechers: user (null: "
           "unknown), "
           "client, address, admitted, bytes_per_second, requests, untaken (bytes), sealed (true: it has "
           "come in "
           "at the second port)",
       .errand = diagnose},
  };
}

std::vector<Command> program_commands() {
  return {
      {.name = "status",
       .summary =
           "Show the client, where you are logged in, its tracker and what the trackers know of each other",
       .json = "user (null: not logged in), client, serving, tracker (null: none answers): number, endpoint; "
               "trackers: number, endpoint, health, operations_behind, last_heard_ms; users, groups, files "
               "(numbers); sessions (of yours): client, since (seconds since 1970), host (null: not online), "
               "this (true or false)",
       .errand = status},
      {.name = "trace",
       .arguments = {{"start|stop", ArgumentKind::choice}, {"file", ArgumentKind::path, true}},
       .summary = "Record every message into a file, for trace_view",
       .details =
           "The file holds no passwords, but names and session tokens: show it only to whom you trust.",
       .done = "Recording of messages: {0}.",
       .json = "path (start only)",
       .errand = trace},
      {.name = "help",
       .arguments = {{"command", ArgumentKind::command, true}},
       .summary = "Show all commands, or one",
       .json = "commands: name, usage, summary, details, fields",
       .errand = help},
      {.name = "quit",
       .alias = "exit",
       .summary = "Leave; downloads go on at the next login",
       .errand = quit},
  };
}

}  // namespace

const std::vector<Command>& command_table() {
  static const std::vector<Command> table = [] {
    std::vector<Command> rows;
    for (auto part : {account_commands, group_commands, file_commands, download_commands, program_commands})
      for (Command& row : part()) rows.push_back(std::move(row));
    return rows;
  }();
  return table;
}

}  // namespace tutti
