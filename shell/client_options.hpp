#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tutti {

enum class Coloring : std::uint8_t { automatic, always, never };

/// What a client is told by its command line and its configuration file. The command line wins.
struct ClientOptions {
  std::string serving;    ///< IP:PORT
  std::string orchestra;  ///< IP:PORT where members of Orchestras are served; empty: nowhere
  std::string tracker_file;
  std::string state;  ///< empty: the default place
  std::optional<std::string> commands;
  std::optional<std::string> script_file;
  bool json = false;
  Coloring coloring = Coloring::automatic;
  std::string password_file;
  std::string log_file;  ///< empty: client.log in the state folder
  std::string log_level = "warning";
  std::string trace_file;   ///< empty: none
  bool replayable = false;  ///< the trace has all that a replay needs

  // Only in the configuration file.
  std::string public_host;        ///< where peers reach us; empty: the address that the trackers see
  std::uint32_t sealed_port = 0;  ///< where blocks are served; 0: the system chooses
  std::uint32_t history_lines = 1000;
  std::chrono::milliseconds progress_interval{500};
  std::chrono::milliseconds answer_patience{1500};
  std::chrono::milliseconds unreachable_after{5000};
  std::chrono::milliseconds present_every{5000};
  std::chrono::milliseconds sharers_every{2000};
  std::uint32_t downloads_at_once = 64;
  std::uint32_t peers_per_download = 24;
  std::uint32_t request_memory_mib = 24;  ///< bytes of blocks under way, over all peers
  std::uint32_t hashers = 0;              ///< threads that hash; 0: one a core
};

/// Options, or what to print instead of running and the exit status then.
struct ParsedOptions {
  ClientOptions options;
  std::string out;
  std::string err;
  int exit_status = 0;
  bool runs() const { return out.empty() && err.empty(); }
};
ParsedOptions parse_client_options(int argc, const char* const* argv);

/// Reads a configuration (TOML) into `options`. Returns what is wrong, with its line, or nothing.
std::string read_configuration(std::string_view text, ClientOptions& options);
/// Every key that a configuration may have, as `section.key`.
std::vector<std::string> configuration_keys();

/// What is wrong with the IP:PORT where members or those who look for a conductor are served: their protocol knows only
/// IPv4. Empty if nothing is.
std::string orchestra_address_fault(const std::string& address);
/// What is wrong with IP:PORT or [IPv6]:PORT; empty if nothing is. Port 0 lets the system choose.
std::string serving_address_fault(const std::string& address);

/// `$XDG_STATE_HOME/tutti/client`, by default under ~/.local/state.
std::string default_state_folder(const char* xdg_state_home, const std::string& home);

/// The first line of a password file and, if there is one, the second; or what is wrong.
struct PasswordFile {
  std::string password;
  std::string new_password;
  std::string fault;
};
PasswordFile read_password_file(const std::string& path);

/// A whole text file, or nothing if it cannot be read.
std::optional<std::string> read_text_file(const std::string& path);

}  // namespace tutti
