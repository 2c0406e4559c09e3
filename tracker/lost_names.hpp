#pragma once

#include <optional>
#include <vector>

#include "tracker/decisions.hpp"

// Names that two trackers gave away at the same moment.

namespace tutti {

/// True if a user, a group or a file gets its name here, or an account another password, or a group another owner:
/// somebody else may do the same at the same moment, through another tracker.
bool takes_name(const std::vector<Operation>& operations);

/// True if an account is made here.
bool takes_account(const std::vector<Operation>& operations);

/// What operations took (a name, mostly), and what went to somebody else who took it at the same moment.
struct LostName {
  Refused why;
  std::vector<Operation>
      undo;  ///< to be sealed: an account, a group or a share that nobody was told of is not kept
};
std::optional<LostName> lost_name(const Directory& directory, const std::vector<Operation>& operations);

/// True if a request is for a name.
bool is_for_name(const ClientRequest& request);
/// The same of a request whose outcome is recorded, for who asks again was not told it: what is recorded is not what
/// was answered, or the tracker that took it died before it looked again.
std::optional<LostName> lost_since(const Directory& directory, const Question& question);

/// What to seal once every tracker of the file has acknowledged a delta with these operations: the names in it have
/// reached all, and cannot be lost to a later claim. Empty for most.
std::vector<Operation> confirmation_of(const std::vector<Operation>& operations);

}  // namespace tutti
