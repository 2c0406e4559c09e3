#pragma once

#include "messages/peer_peer.hpp"
#include "messages/shell_client.hpp"

// What the actors of one client say to each other. The shell's part is in shell_client.hpp.

namespace tutti {

/// Speaks with the trackers: one link at a time, failover, the session, request ids. Anybody in the client may Ask.
/// Tells session_listeners (scheduler, librarian, uploader) SessionChanged.
struct TrackerLinkRole {
  static constexpr std::string_view name = "tracker_link";
  using Accepts = Messages<Ask, AskLink, ForgetCommand>;
};

/// Decides what is shared: hashes files, makes them known, resumes them at login, notices changed ones.
struct LibrarianRole {
  static constexpr std::string_view name = "librarian";
  using Accepts = Messages<ShareFile, UnshareFile, Told, SessionChanged>;
};

/// Decides who fetches which piece of which download from whom.
struct SchedulerRole {
  static constexpr std::string_view name = "scheduler";
  using Accepts = Messages<StartDownload, ListDownloads, AwaitDownloads, ForgetCommand, Told, SessionChanged>;
};

}  // namespace tutti
