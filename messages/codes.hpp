#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "messages/message.hpp"

namespace tutti {

/// Why a command did not succeed. Scripts rely on the names; the shell maps each to an exit status.
enum class Code : std::uint8_t {
  usage,
  unknown_command,
  invalid_name,
  not_logged_in,
  already_logged_in,
  bad_credentials,
  no_such_group,
  no_such_user,
  no_such_request,
  no_such_file,
  not_a_member,
  not_the_owner,
  user_exists,
  group_exists,
  already_a_member,
  request_pending,
  destination_exists,
  file_conflict,
  not_sharing,
  other,
  tracker_unreachable,
  no_peers,
  unfinished,
  integrity,
  disk_full,
  io_error,
  timeout,
};

inline constexpr std::array<std::string_view, 27> code_names{"usage",
                                                             "unknown_command",
                                                             "invalid_name",
                                                             "not_logged_in",
                                                             "already_logged_in",
                                                             "bad_credentials",
                                                             "no_such_group",
                                                             "no_such_user",
                                                             "no_such_request",
                                                             "no_such_file",
                                                             "not_a_member",
                                                             "not_the_owner",
                                                             "user_exists",
                                                             "group_exists",
                                                             "already_a_member",
                                                             "request_pending",
                                                             "destination_exists",
                                                             "file_conflict",
                                                             "not_sharing",
                                                             "other",
                                                             "tracker_unreachable",
                                                             "no_peers",
                                                             "unfinished",
                                                             "integrity",
                                                             "disk_full",
                                                             "io_error",
                                                             "timeout"};

constexpr std::span<const std::string_view> enumerators(Code) { return code_names; }
constexpr std::string_view name_of(Code code) { return code_names[static_cast<std::size_t>(code)]; }

/// A refusal: a code for scripts and a sentence for people that says what happened and what to do.
struct Refused {
  Code code = Code::other;
  std::string sentence;
  TUTTI_MESSAGE(Refused, 0x0101, code, sentence);
};

/// The plain success of a command that has nothing to show.
struct Done {
  TUTTI_MESSAGE(Done, 0x0102);
};

}  // namespace tutti
