#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "messages/shell_client.hpp"

// One row a command: from the rows follow the parser, its errors, help, the table in README, completion, what is
// checked before anything is sent, what is sent, and the tests that walk over all of them.

namespace tutti {

class LocalFiles;
struct Command;

/// What a word after the command is: how it is checked, and what Tab offers for it.
enum class ArgumentKind : std::uint8_t {
  user,
  group,
  file,          ///< the name of a file in the group before it
  path,          ///< of the user's own files
  password,      ///< may be left out: then it is asked for, or comes from a file or the environment
  new_password,  ///< the same for one that replaces another; a person types it twice
  seconds,
  command,    ///< the name of a command
  flag,       ///< only the word that the argument is called by
  choice,     ///< one of the words that the argument is called by, with bars between
  download,   ///< the name of a file that is fetched in the group before it
  rate,       ///< bytes per second: 500K, 2M, 1G (powers of 1024), or none
  window,     ///< HH:MM-HH:MM
  conductor,  ///< of an Orchestra: IP:PORT or host:port
};

struct Argument {
  std::string_view name;  ///< as usage and JSON call it
  ArgumentKind kind = ArgumentKind::user;
  bool optional = false;
};

/// Whether a command needs a session, needs that there is none, or does not care.
enum class LoginRule : std::uint8_t { any, needed, forbidden };

/// One command as given. The words fit the row: their number, flags, numbers.
struct Invocation {
  std::string word;  ///< the command as typed
  const Command* command = nullptr;
  std::vector<std::string> arguments;
  std::vector<std::string> options = {};  ///< the values of the command's option, in their order

  const std::string& argument(std::size_t position) const { return arguments[position]; }
  bool has(std::size_t position) const { return position < arguments.size(); }
};

// --- what a command makes the shell do -------------------------------------------------------------------------

/// Ask the trackers; a listing is followed to its end.
struct AskTrackers {
  ClientRequest request;
};
/// Make sure of the membership, then share what `typed_path` names.
struct ShareLocalFile {
  std::string typed_path;
  GroupName group;
};
struct StopSharing {
  GroupName group;
  FileName file;
};
struct Fetch {
  GroupName group;
  FileName file;
  std::string destination;  ///< from the root
  bool sequential = false;
  std::vector<std::string> only = {};
};
/// Have something done with downloads.
struct Control {
  DownloadOrder order = DownloadOrder::pause;
  std::optional<DownloadName> which;  ///< none: all
  DownloadPriority priority = DownloadPriority::normal;
};
/// Find out why a download, or serving a file, is as fast as it is.
struct Diagnose {
  GroupName group;
  FileName file;
};
/// Set or lift a limit, of a group that we are in; then, or without one, list all.
struct ChangeLimits {
  std::optional<RateLimit> limit;
};
/// Learn what the file is, then have it written as a `.orch` file.
struct Export {
  GroupName group;
  FileName file;
  std::string conductor;
  std::string path;  ///< from the root
};
/// Find out who shares the file, then ask each of them how much of it they have.
struct SurveySharers {
  GroupName group;
  FileName file;
};
struct ShowDownloads {
  bool everything = false;
};
struct Wait {
  std::optional<std::chrono::milliseconds> limit;
};
struct Serve {};
/// Say who we are and whom we speak to, with what the trackers know of themselves or without.
struct ShowLink {
  bool with_trackers = false;
};
struct ShowHelp {
  const Command* about = nullptr;  ///< nothing: all commands
};
/// Record every message into `path` from now on; empty: stop.
struct SwitchTrace {
  std::string path;
};
struct Quit {};

/// The plan of a command; Refused where its words alone decide.
using Errand = std::variant<Refused, AskTrackers, ShareLocalFile, StopSharing, Fetch, Export, SurveySharers,
                            ShowDownloads, Control, Diagnose, ChangeLimits, Wait, Serve, ShowLink, ShowHelp,
                            SwitchTrace, Quit>;

struct Command {
  std::string_view name{};
  std::string_view alias{};  ///< another spelling, or empty
  std::vector<Argument> arguments{};
  std::string_view option{};        ///< may stand anywhere and often, each with a word behind it; or empty
  std::string_view option_value{};  ///< as usage calls that word
  LoginRule login = LoginRule::any;
  bool makes_password = false;  ///< a person types it twice, so that a slip locks nobody out
  std::string_view summary{};   ///< one line
  std::string_view details{};   ///< what `help` says beyond the line, or empty
  /// The sentence of a success that has nothing else to show; {0} is the first argument, {path} a path in full. Empty:
  /// the answer shows itself.
  std::string_view done{};
  std::string_view json{};  ///< fields beside command and ok, for README
  /// Decides what to do. The names in the arguments are well formed. Looks at local files only to tell which
  /// argument is one.
  Errand (*errand)(const Invocation& invocation, const LocalFiles& files) = nullptr;
  /// Brings the arguments into the declared order; none: they stand in it.
  void (*arrange)(Invocation& invocation, const LocalFiles& files) = nullptr;
};

const std::vector<Command>& command_table();
/// The row of a typed word, or nothing.
const Command* find_command(std::string_view word);
/// All names and aliases.
std::vector<std::string> command_words();
/// `download_file <group_id> <file_name> <destination_path>`.
std::string usage_of(const Command& command);

/// A line understood, or why not.
struct Parsed {
  Invocation invocation;
  std::optional<Refused> refused;
  /// True if there was nothing to do: a blank line or a comment.
  bool nothing = false;
};
Parsed parse_command(std::string_view line);

/// What is wrong with the names among the arguments, in their order.
std::optional<Refused> name_fault(const Invocation& invocation);

/// The words that a choice allows.
std::vector<std::string> choices_of(const Argument& argument);
/// Bytes per second as a limit says them: a number and K, M or G (powers of 1024); 0 for `none`. Nothing: neither.
std::optional<std::uint64_t> parse_rate(std::string_view text);
/// Minutes of the day from HH:MM-HH:MM.
std::optional<std::pair<std::uint32_t, std::uint32_t>> parse_window(std::string_view text);

/// The position of the first password among the arguments, if the command takes one.
std::optional<std::size_t> password_position(const Command& command);
/// The next argument, if it is a password that was left out.
const Argument* missing_password(const Invocation& invocation);

/// The commands as a Markdown table, as README has it.
std::string markdown_table();

}  // namespace tutti
