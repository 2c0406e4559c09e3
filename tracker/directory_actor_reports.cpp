// What members say of wrong pieces, on its way to those whom it helps.

#include <fmt/format.h>

#include "actors/log.hpp"
#include "tracker/directory_actor.hpp"

namespace tutti {

void DirectoryActor::on(const ReportLearned& message, Context& context) {
  if (phase_ != Phase::loading) hear_report(message.report, context);
}

/// True if it counts.
bool DirectoryActor::hear_report(const ReportHeard& report, Context& context) {
  // One that comes from another tracker may be ahead of its log, which has names and sessions.
  const std::optional<Session> session = directory_.open_session(report.client);
  const std::optional<FileView> file = directory_.file(report.gid, report.fid);
  const std::string reporter = directory_.name_of(report.reporter);
  if (!session || !file || reporter.empty()) return false;
  const PieceReports::Heard heard = reports_.hear(report, context.now());
  if (!heard.fresh) return false;
  const std::string accused = directory_.name_of(session->uid);
  const std::string group = directory_.name_of(report.gid);
  if (heard.first_of_piece)
    context.send(place_.front_desk,
                 NotifyPiece{report.client, {report.gid, report.fid, report.piece, {reporter}}});
  if (!heard.first_of_user) return true;
  const std::string sentence =
      fmt::format("{} says that {} has sent him a wrong piece of {}", reporter, accused, file->name);
  log_warning(fmt::format("{} in {} (piece {}, client {})", sentence, group, report.piece.value,
                          report.client.hex()));
  const std::optional<Uid> owner = directory_.owner_of(report.gid);
  if (owner && *owner != report.reporter && *owner != session->uid)
    notify({{*owner,
             {NoticeKind::info, group, accused,
              fmt::format("{}: a disk may be broken, or one of the two lies; {}'s client looks at its disk "
                          "now, and list_peers shows who is reported",
                          sentence, accused)}}},
           context);
  return true;
}

}  // namespace tutti
