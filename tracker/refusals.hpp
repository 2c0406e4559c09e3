#pragma once

#include <optional>
#include <string>

#include "tracker/decisions.hpp"

// What people read when they are refused, as far as more than one place refuses it.

namespace tutti {

/// A refusal is thrown away by nobody: each check returns it, and the request ends there.
using Refusal = std::optional<Refused>;

Refused refuse(Code code, std::string sentence);
Refused user_name_taken(const UserName& name);
Refused group_name_taken(const GroupName& name);
Refused file_name_taken(const Directory& directory, const Gid& gid, const std::string& name);
/// The mark of a lost name cannot be chosen.
Refusal refuse_new_name(std::string_view name);
Refusal refuse_new_user(const Directory& directory, const UserName& name);
Refusal refuse_login(const Directory& directory, const Question& question, WallTime wall);

}  // namespace tutti
