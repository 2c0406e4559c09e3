#include "shell/json.hpp"

#include <nlohmann/json.hpp>

#include "shell/diagnosis.hpp"
#include "shell/printable.hpp"

namespace tutti {

namespace {

using Json = nlohmann::ordered_json;

std::string dump(const Json& object) {
  // A path may be no UTF-8; such bytes are replaced, the rest of the line stays.
  return object.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json text_or_null(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

// --- the arguments that a success repeats ----------------------------------------------------------------------

void add_argument(Json& object, const Argument& argument, const std::string& text) {
  switch (argument.kind) {
    case ArgumentKind::user: object["user"] = text; break;
    case ArgumentKind::group: object["group"] = text; break;
    case ArgumentKind::download:
    case ArgumentKind::file: object["file"] = text; break;
    case ArgumentKind::path:
    case ArgumentKind::password:
    case ArgumentKind::new_password:
    case ArgumentKind::seconds:
    case ArgumentKind::command:
    case ArgumentKind::flag:
    case ArgumentKind::choice:
    case ArgumentKind::conductor:
    case ArgumentKind::rate:
    case ArgumentKind::window: break;
  }
}

void add_arguments(Json& object, const Invocation& given) {
  for (std::size_t i = 0; i < given.arguments.size(); ++i)
    if (!given.arguments[i].empty()) add_argument(object, given.command->arguments[i], given.arguments[i]);
}

// --- rows ------------------------------------------------------------------------------------------------------

Json row(const GroupRow& group) {
  return {{"group", group.group.text},
          {"owner", group.owner.text},
          {"members", group.members},
          {"standing", standing_names[static_cast<std::size_t>(group.standing)]}};
}
Json row(const UserName& user) { return user.text; }
Json row(const SessionRow& session) {
  return {{"client", session.client.hex()},
          {"since", session.since / 1000},
          {"host", text_or_null(session.host)},
          {"this", session.asking}};
}
Json row(const MemberRow& member) {
  return {{"user", member.user.text}, {"owner", member.owner}, {"online", member.online}};
}
Json row(const FileRow& file) {
  return {{"file", file.file.text},  {"size", file.size.value},
          {"sharers", file.sharers}, {"sharers_online", file.sharers_online},
          {"sha1", file.sha1.hex()}, {"directory", file.tree}};
}
Json row(const TrackerRow& tracker) {
  return {{"number", tracker.number},
          {"endpoint", tracker.endpoint},
          {"health", tracker_health_names[static_cast<std::size_t>(tracker.health)]},
          {"operations_behind", tracker.operations_behind},
          {"last_heard_ms", tracker.last_heard.count()}};
}
Json row(const DownloadRow& download) {
  Json object{{"group", download.group.text},
              {"file", download.file.text},
              {"path", download.path},
              {"phase", download_phase_names[static_cast<std::size_t>(download.phase)]},
              {"size", download.size.value},
              {"verified", download.verified.value},
              {"percent", percent(download.verified, download.size)},
              {"bytes_per_second", download.bytes_per_second},
              {"pieces", download.pieces},
              {"pieces_verified", download.pieces_verified},
              {"peers", download.peers},
              {"priority", download_priority_names[static_cast<std::size_t>(download.priority)]},
              {"sequential", download.sequential}};
  const bool has_reason = download.phase == DownloadPhase::failed || !download.sentence.empty();
  if (has_reason) {
    object["code"] = name_of(download.code);
    object["message"] = download.sentence;
  }
  return object;
}
Json row(const RateLimit& limit) {
  const bool all_day = limit.from_minute == limit.until_minute;
  return {{"direction", limit_direction_names[static_cast<std::size_t>(limit.direction)]},
          {"group", text_or_null(limit.group)},
          {"bytes_per_second", limit.bytes_per_second},
          {"from", all_day ? Json(nullptr) : Json(time_of_day(limit.from_minute))},
          {"until", all_day ? Json(nullptr) : Json(time_of_day(limit.until_minute))}};
}
template <class T>
Json value_or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}
Json row(const PieceRange& range) { return Json::array({range.first.value, range.last.value}); }
Json row(const SourceFacts& source) {
  return {{"user", text_or_null(source.user.text)},
          {"endpoint", source.endpoint},
          {"state", source_state_names[static_cast<std::size_t>(source.state)]},
          {"since_ms", source.since.count()},
          {"silent_ms", source.silent.count()},
          {"bytes_per_second", source.bytes_per_second},
          {"asked", source.asked.value},
          {"unwritten", source.unwritten.value},
          {"way", block_way_names[static_cast<std::size_t>(source.way)]},
          {"sealed_port", source.sealed_port == 0 ? Json(nullptr) : Json(source.sealed_port)},
          {"window", source.window.value},
          {"answers_in_us", source.answers_in.count()}};
}
Json row(const Command& command) {
  return {{"name", command.name},
          {"usage", usage_of(command)},
          {"summary", command.summary},
          {"details", command.details},
          {"fields", command.json}};
}

Json row(const DownloadFacts& facts);

template <class Row>
Json list(const std::vector<Row>& rows) {
  Json array = Json::array();
  for (const Row& each : rows) array.push_back(row(each));
  return array;
}

Json row(const DownloadFacts& facts) {
  Json object = row(facts.row);
  object["limit"] = value_or_null(facts.limit);
  object["waits_for_limit"] = facts.waits_for_limit;
  object["before_it"] = value_or_null(facts.before_it);
  object["sharers_unknown"] = facts.sharers_unknown;
  object["pieces_without_source"] = facts.pieces_without_source;
  object["without_source"] = list(facts.without_source);
  object["sources"] = list(facts.sources);
  object["writing"] = nullptr;
  if (facts.writing)
    object["writing"] = {{"block_us", facts.writing->block_takes.count()},
                         {"hashing_percent", facts.writing->hashing_percent},
                         {"writing_percent", facts.writing->writing_percent}};
  return object;
}
Json share_of(const DiagnosisReport& report) {
  if (!report.share) return nullptr;
  const ShareFacts& facts = *report.share;
  Json leechers = Json::array();
  for (const LeecherFacts& leecher : facts.leechers)
    leechers.push_back({{"user", text_or_null(report.user_of(leecher.client))},
                        {"client", leecher.client.hex()},
                        {"address", leecher.address},
                        {"admitted", leecher.admitted},
                        {"bytes_per_second", leecher.bytes_per_second},
                        {"requests", leecher.requests},
                        {"untaken", leecher.untaken.value},
                        {"sealed", leecher.sealed}});
  return {{"pieces", facts.pieces},
          {"pieces_served", facts.pieces_served},
          {"limit", value_or_null(facts.limit)},
          {"waits_for_limit", facts.waits_for_limit},
          {"reads", facts.reads},
          {"leechers", leechers}};
}

// --- what each result adds -------------------------------------------------------------------------------------

void add(Json&, const Done&) {}
void add(Json& object, const LoggedIn& session) {
  object["user"] = session.user.text;
  object["messages"] = session.messages;
}
void add(Json& object, const JoinRequests& requests) { object["requests"] = list(requests.users); }
void add(Json& object, const Groups& groups) { object["groups"] = list(groups.groups); }
void add(Json& object, const Members& members) { object["members"] = list(members.members); }
void add(Json& object, const Files& files) { object["files"] = list(files.files); }
void add(Json& object, const FileAdded& added) { object["existed"] = added.existed; }
void add(Json& object, const PeerListing& listing) {
  const Metainfo& metainfo = listing.found.metainfo;
  const std::uint32_t pieces = metainfo.piece_count();
  object["size"] = metainfo.size.value;
  object["sha1"] = metainfo.sha1.hex();
  object["pieces"] = pieces;
  object["piece_length"] = metainfo.piece_length.value;
  object["peers"] = Json::array();
  for (const PeerShare& peer : listing.peers) {
    Json share{{"user", peer.user.text}, {"host", peer.host}, {"port", peer.port}};
    share["pieces_verified"] = peer.answered ? Json(peer.pieces) : Json(nullptr);
    share["percent"] = peer.answered ? Json(percent({peer.pieces}, {pieces})) : Json(nullptr);
    share["reported_by"] = peer.reports;
    object["peers"].push_back(std::move(share));
  }
}
void add(Json& object, const Downloads& downloads) { object["downloads"] = list(downloads.downloads); }
void add(Json& object, const Limits& limits) { object["limits"] = list(limits.limits); }
void add(Json& object, const DiagnosisReport& report) {
  object["tracker_answers"] = report.tracker_answers;
  object["downloads"] = list(report.downloads);
  object["share"] = share_of(report);
  object["sentences"] = sentences_of(report);
}
void add(Json& object, const LinkReport& report) {
  object["user"] = text_or_null(report.link.user);
  object["client"] = report.link.client.hex();
  object["serving"] = report.link.serving;
  if (report.link.tracker_number == 0) {
    object["tracker"] = nullptr;
  } else {
    object["tracker"] = {{"number", report.link.tracker_number}, {"endpoint", report.link.tracker_endpoint}};
  }
  if (!report.trackers) return;
  object["trackers"] = list(report.trackers->trackers);
  object["users"] = report.trackers->users;
  object["groups"] = report.trackers->groups;
  object["files"] = report.trackers->files;
  object["sessions"] = list(report.sessions);
}
void add(Json& object, const HelpPage& page) {
  object["commands"] = page.about != nullptr ? Json::array({row(*page.about)}) : list(command_table());
}

}  // namespace

std::string json_line(const Outcome& outcome) {
  Json object{{"command", outcome.invocation.word}, {"ok", outcome.refused() == nullptr}};
  if (const Refused* refused = outcome.refused(); refused != nullptr) {
    object["code"] = name_of(refused->code);
    object["message"] = refused->sentence;
    return dump(object);
  }
  add_arguments(object, outcome.invocation);
  for (const auto& [field, text] : outcome.further) object[field] = text;
  std::visit(
      [&](const auto& result) {
        if constexpr (!std::same_as<std::decay_t<decltype(result)>, Refused>) add(object, result);
      },
      outcome.result);
  if (outcome.provisional) object["provisional"] = true;
  if (!outcome.sentence.empty()) object["message"] = outcome.sentence;
  return dump(object);
}

std::string json_event(const TrackerChanged& changed) {
  Json object = Json::object({{"event", "tracker_changed"}});
  object["tracker"] = changed.tracker_number == 0 ? Json(nullptr) : Json(changed.tracker_number);
  object["endpoint"] = text_or_null(changed.endpoint);
  object["message"] = changed.sentence;
  return dump(object);
}

std::string json_event(const TrackerKeySeen& seen) {
  return dump({{"event", "tracker_key"},
               {"tracker", seen.tracker_number},
               {"endpoint", seen.endpoint},
               {"key", seen.key},
               {"trusted", seen.trusted},
               {"message", seen.sentence}});
}

std::string json_event(const SessionChanged& changed) {
  return dump({{"event", "session_changed"}, {"user", text_or_null(changed.user)}});
}

std::string json_event(const DownloadChanged& changed) {
  Json object = Json::object({{"event", "download_changed"}});
  object.update(row(changed.download));
  return dump(object);
}

std::string json_event(const ShareChanged& changed) {
  return dump({{"event", "share_changed"},
               {"group", changed.group.text},
               {"file", changed.file.text},
               {"path", changed.path},
               {"code", name_of(changed.code)},
               {"message", changed.sentence}});
}

std::string json_event(const Notice& notice) {
  return dump({{"event", "notice"},
               {"kind", notice_kind_names[static_cast<std::size_t>(notice.kind)]},
               {"group", text_or_null(notice.group)},
               {"user", text_or_null(notice.user)},
               {"message", notice.sentence}});
}

}  // namespace tutti
