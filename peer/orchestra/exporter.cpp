#include "peer/orchestra/exporter.hpp"

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "actors/context.hpp"
#include "actors/ensure.hpp"
#include "actors/log.hpp"
#include "peer/orchestra/orch_share.hpp"
#include "peer/orchestra/orch_words.hpp"

namespace tutti {

namespace {

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
  for (const OrchExport& each : *exports) remember(each);
}

void Exporter::remember(const OrchExport& exported) {
  const FileKey key{exported.gid, exported.fid};
  std::erase(order_, key);
  order_.push_back(key);
  exports_.insert_or_assign(key, exported);
}

/// As the store has.
void Exporter::forget_oldest(Context& context) {
  if (order_.size() <= ClientStore::exports_max) return;
  const auto forgotten = exports_.extract(order_.front());
  order_.pop_front();
  const auto shared = shared_.find(forgotten.key());
  if (shared == shared_.end()) return;
  const ServeFile& serve = shared->second;
  context.send(others_.door, StopServing{serve.gid, serve.fid, serve.path, CloseReason::not_shared});
  context.send(
      others_.shell,
      Notice{
          NoticeKind::info,
          serve.group.text,
          {},
          fmt::format("{} is not served to members any more: the last {} exports are remembered, and it was "
                      "exported before those",
                      serve.file.text, ClientStore::exports_max)});
}

void Exporter::on(const ExportFile& order, Context& context) {
  Told told{order.command, Done{}, false, {}};
  const OrchFile file = orch_file_of(order.metainfo, order.conductor);
  if (std::optional<Refused> fault = orch_export_fault(order.metainfo)) {
    told.what = std::move(*fault);
    return context.reply(told);
  }
  writing_.emplace(++last_tag_, Writing{context.sender(), order});
  context.send(others_.checker, WriteFile{last_tag_, order.path}, orch_payload(orch_text(file)));
}

void Exporter::on(const FileSynced& written, Context& context) {
  const auto entry = writing_.extract(written.tag);
  if (!entry) return;
  const auto& [asker, order] = entry.mapped();
  Told told{order.command, Done{}, false, {}};
  if (written.fault) {
    told.what = *written.fault;
    return context.answer(asker, told);
  }
  const Metainfo& metainfo = order.metainfo;
  told.sentence = orch_originals_fault(metainfo.name.text, metainfo.size, metainfo.piece_sha1.size());
  const FileKey key{order.gid, order.fid};
  const OrchExport exported{order.gid, order.fid, order.metainfo.name, order.metainfo.sha1, order.conductor};
  if (const DiskDone fault = store_->put_export(exported)) {
    told.sentence += fmt::format("{}the file is written, but will not be served to members from here: {}",
                                 told.sentence.empty() ? "" : "; ", fault->sentence);
    return context.answer(asker, told);
  }
  remember(exported);
  context.answer(asker, told);
  forget_oldest(context);
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
