#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "shell/outcome.hpp"

// The form for people, and for scripts that read lines.

namespace tutti {

/// Whom the text is for. Off a terminal there is no colour, no table and nothing but the result.
struct Style {
  bool terminal = false;
  bool color = false;
  std::size_t columns = 0;  ///< of the terminal; 0: lines may have any length
};

/// What goes to standard output and what to standard error; whole lines.
struct Printed {
  std::string out;
  std::string err;
};

Printed plain(const Outcome& outcome, const Style& style);

/// `[D] [grp_id] filename` or `[C] [grp_id] filename`; on a terminal with how far it is.
std::string download_line(const DownloadRow& download, const Style& style);
/// All running downloads on one line, for a line that is overwritten; empty if none runs.
std::string progress_line(const std::vector<DownloadRow>& downloads);
/// How far hashing is.
std::string hash_progress_line(const HashProgress& progress);

/// What is said about an event; empty: nothing. On a terminal more is worth a line than in a script.
std::string event_sentence(const TrackerChanged& changed, const Style& style);
std::string event_sentence(const TrackerKeySeen& seen, const Style& style);
std::string event_sentence(const DownloadChanged& changed, const Style& style);
std::string event_sentence(const ShareChanged& changed, const Style& style);
std::string event_sentence(const Notice& notice, const Style& style);

/// A remark that is neither a result nor an error, as a line.
std::string remark(std::string_view sentence, const Style& style);

}  // namespace tutti
