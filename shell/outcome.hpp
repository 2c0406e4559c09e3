#pragma once

#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "shell/command.hpp"

namespace tutti {

/// What `status` and `whoami` have found out.
struct LinkReport {
  LinkStatus link;
  std::optional<TrackerStatus> trackers;
  std::vector<SessionRow> sessions =
      {};  ///< of the user; empty: nobody is logged in, or the tracker cannot say
};
/// A file and those who share it.
struct PeerListing {
  FileFound found;
  std::vector<PeerShare> peers;
  PeerTicket ticket;  ///< shown to them
};
/// What `diagnose` has found out.
struct DiagnosisReport {
  std::vector<DownloadFacts> downloads;
  std::optional<ShareFacts> share;
  bool tracker_answers = false;
  std::vector<Sharer> sharers;  ///< as the trackers name them, for the users' names

  /// Empty: nobody knows.
  std::string user_of(const ClientKey& client) const {
    for (const Sharer& sharer : sharers)
      if (sharer.client == client) return sharer.user.text;
    return {};
  }
};
struct HelpPage {
  const Command* about = nullptr;  ///< nothing: all commands
};

/// What came of a command, before anybody has decided how it looks.
using Result = std::variant<Refused, Done, LoggedIn, JoinRequests, Groups, Members, Files, FileAdded,
                            PeerListing, Downloads, Limits, DiagnosisReport, LinkReport, HelpPage>;

struct Outcome {
  Invocation invocation;
  Result result = Done{};
  bool provisional = false;   ///< a success that not every tracker has seen yet
  std::string sentence = {};  ///< what there is to say beside the result, or empty
  /// What the words came to mean: local paths in full, by the name of their JSON field.
  std::vector<std::pair<std::string_view, std::string>> further = {};

  const Refused* refused() const { return std::get_if<Refused>(&result); }
};

/// The result that an answer of the trackers is. An answer to a question that no command asks is refused.
Result result_of(const TrackerAnswer& answer);

/// Several pages of one listing become one; `next` must be of the same kind. Lists of other kinds are replaced.
void append_page(Result& pages, Result next);
/// The question for the page after this answer, or nothing if it was the last one.
std::optional<ClientRequest> next_page(const ClientRequest& asked, const Result& answer);

}  // namespace tutti
