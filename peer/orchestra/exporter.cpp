#include "peer/orchestra/exporter.hpp"

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "actors/context.hpp"
#include "actors/ensure.hpp"
#include "actors/log.hpp"
#include "peer/new_file.hpp"
#include "peer/orchestra/orch_share.hpp"
#include "peer/orchestra/orch_words.hpp"

namespace tutti {

namespace {

/// Whole, or not there.
DiskDone write_orch(const std::string& path, const OrchFile& file) {
  NewFile orch(path);
  if (DiskDone fault = orch.write(orch_text(file))) return fault;
  return orch.finish(NewFile::Place::must_be_free);
}

/// Looking a name up stops the thread that moves the bytes of all links.
bool is_dialled_at_once(std::string_view conductor) {
  const std::string_view host = conductor.substr(0, conductor.rfind(':'));
  return host == "localhost" || is_ipv4(host);
}

}  // namespace

void Exporter::start(Context& context) {
  OrFault<std::vector<OrchExport>> exports = store_->exports();
  if (!exports) {
    log_error(exports.fault().sentence);
    context.send(others_.shell, Notice{NoticeKind::info,
                                       {},
                                       {},
                                       fmt::format("files that were exported are not served to members: {}",
                                                   exports.fault().sentence)});
    return;
  }
  for (OrchExport& each : *exports) exports_.insert_or_assign({each.gid, each.fid}, std::move(each));
}

void Exporter::on(const ExportFile& order, Context& context) {
  Told told{order.command, Done{}, false, {}};
  const OrchFile file = orch_file_of(order.metainfo, order.conductor);
  if (std::optional<Refused> fault = orch_export_fault(order.metainfo)) {
    told.what = std::move(*fault);
    return context.reply(told);
  }
  if (const DiskDone fault = write_orch(order.path, file)) {
    told.what = Refused{fault->code, fault->sentence};
    return context.reply(told);
  }
  told.sentence = orch_originals_fault(file.name, file.size, file.parts.size());
  const FileKey key{order.gid, order.fid};
  const OrchExport exported{order.gid, order.fid, order.metainfo.name, order.metainfo.sha1, order.conductor};
  if (const DiskDone fault = store_->put_export(exported)) {
    told.sentence += fmt::format("{}the file is written, but will not be served to members from here: {}",
                                 told.sentence.empty() ? "" : "; ", fault->sentence);
    return context.reply(told);
  }
  exports_.insert_or_assign(key, exported);
  context.reply(told);
  if (shared_.contains(key)) offer(key, context);
}

void Exporter::on(const ServeFile& serve, Context& context) {
  if (!has_door()) return;
  const FileKey key{serve.gid, serve.fid};
  shared_.insert_or_assign(key, serve);
  if (exports_.contains(key)) offer(key, context);
}

void Exporter::offer(const FileKey& key, Context& context) {
  const ServeFile& serve = shared_.at(key);
  const OrchExport& exported = exports_.at(key);
  if (!is_dialled_at_once(exported.conductor)) {
    context.send(
        others_.shell,
        Notice{NoticeKind::info,
               serve.group.text,
               {},
               fmt::format("{} is not served to members: the conductor {} is a name, which would have to be "
                           "looked up again and again; export it with the conductor's IPv4 address",
                           serve.file.text, exported.conductor)});
    return;
  }
  context.send(others_.door, OfferFile{exported, serve.group, serve.size, serve.piece_length});
  context.send(others_.door, serve);
}

void Exporter::on(const StopServing& stop, Context& context) {
  if (shared_.erase({stop.gid, stop.fid}) != 0 && exports_.contains({stop.gid, stop.fid}))
    context.send(others_.door, stop);
}

/// The librarian says it again if there is still something to serve.
void Exporter::on(const ServingFailed& failed, Context& context) {
  const auto shared = shared_.find({failed.gid, failed.fid});
  if (shared == shared_.end() || shared->second.path != failed.path)
    return;  // it is shared from elsewhere by now
  on(StopServing{failed.gid, failed.fid, failed.path, CloseReason::file_changed}, context);
  context.send(others_.librarian, failed);
}

void Exporter::check_invariants() const { ENSURE(has_door() || shared_.empty()); }

}  // namespace tutti
