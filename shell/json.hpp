#pragma once

#include <string>

#include "shell/outcome.hpp"

// The form for scripts: one JSON object a line. Fields that were once here stay; new ones may come.

namespace tutti {

/// `{"command":…,"ok":true,…}` or `{"command":…,"ok":false,"code":…,"message":…}`, no line end. `command` is the word
/// as typed.
std::string json_line(const Outcome& outcome);

/// `{"event":…}` for what happened without a command.
std::string json_event(const TrackerChanged& changed);
std::string json_event(const TrackerKeySeen& seen);
std::string json_event(const SessionChanged& changed);
std::string json_event(const DownloadChanged& changed);
std::string json_event(const ShareChanged& changed);
std::string json_event(const Notice& notice);

}  // namespace tutti
