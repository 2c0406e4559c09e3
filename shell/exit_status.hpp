#pragma once

#include "messages/codes.hpp"

namespace tutti {

/// How a script learns what kind of failure came first. Scripts rely on every number.
constexpr int exit_status_of(Code code) {
  switch (code) {
    case Code::usage:
    case Code::unknown_command:
    case Code::invalid_name: return 2;
    case Code::no_such_group:
    case Code::no_such_user:
    case Code::no_such_request:
    case Code::no_such_file: return 3;
    case Code::not_logged_in:
    case Code::already_logged_in:
    case Code::bad_credentials: return 4;
    case Code::not_a_member:
    case Code::not_the_owner: return 5;
    case Code::tracker_unreachable: return 6;
    case Code::no_peers:
    case Code::unfinished: return 7;
    case Code::integrity: return 8;
    case Code::disk_full:
    case Code::io_error: return 9;
    case Code::user_exists:
    case Code::group_exists:
    case Code::already_a_member:
    case Code::request_pending:
    case Code::destination_exists:
    case Code::file_conflict: return 10;
    case Code::timeout: return 11;
    case Code::not_sharing:
    case Code::other: return 1;
  }
  return 1;
}

/// What a program ends with that was told to stop by a signal in the middle of its work.
inline constexpr int exit_interrupted = 130;
/// What a program ends with whose own arguments or files are wrong.
inline constexpr int exit_usage = 2;

}  // namespace tutti
